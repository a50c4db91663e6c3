/* Sec-WebSocket-Accept: SHA-1 of the client's key and RFC 6455's constant, in base64. */
#include <string.h>

#include "relay.h"

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void block(uint32_t h[5], const uint8_t *data) {
  uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
  for (int i = 0; i < 80; i++)
    w[i] = i < 16 ? (uint32_t)data[4 * i] << 24 | data[4 * i + 1] << 16 | data[4 * i + 2] << 8 | data[4 * i + 3]
                  : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (int i = 0; i < 80; i++) {
    uint32_t f, k;
    if (i < 20) f = (b & c) | (~b & d), k = 0x5a827999;
    else if (i < 40) f = b ^ c ^ d, k = 0x6ed9eba1;
    else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
    else f = b ^ c ^ d, k = 0xca62c1d6;
    uint32_t next = rotate(a, 5) + f + e + k + w[i];
    e = d; d = c; c = rotate(b, 30); b = a; a = next;
  }
  h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e;
}

static void sha1(const uint8_t *text, size_t n, uint8_t digest[20]) {
  uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t padded[128] = {0};
  memcpy(padded, text, n);
  padded[n] = 0x80;
  size_t len = n + 9 > 64 ? 128 : 64;
  padded[len - 2] = (uint8_t)(n * 8 >> 8);
  padded[len - 1] = (uint8_t)(n * 8);
  for (size_t at = 0; at < len; at += 64) block(h, padded + at);
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

void accept_key(const char *key, size_t n, char answer[29]) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static const char constant[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  uint8_t text[64 + sizeof constant], digest[21] = {0};
  if (n > 64) n = 64;
  memcpy(text, key, n);
  memcpy(text + n, constant, sizeof constant - 1);
  sha1(text, n + sizeof constant - 1, digest);
  for (int i = 0; i < 28; i++) {
    int bit = 6 * i, at = bit / 8, shift = 10 - bit % 8;
    uint32_t pair = (uint32_t)digest[at] << 8 | (at < 20 ? digest[at + 1] : 0);
    answer[i] = letters[pair >> shift & 63];
  }
  answer[27] = '=';
  answer[28] = 0;
}
