/* Reads a JSON text to its end, as every server of the bench does once per publish. Keeps nothing. */
#include <string.h>

#include "relay.h"

#define DEEPEST 32

static const uint8_t *p, *end;

static void space(void) {
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
}

static int take(char c) {
  space();
  if (p == end || *p != c) return 0;
  p++;
  return 1;
}

static int string(void) {
  if (!take('"')) return 0;
  while (p < end && *p != '"') {
    if (*p < 32) return 0;
    p += *p == '\\' ? 2 : 1;
  }
  return p < end && *p++ == '"';
}

static int word(const char *text) {
  size_t n = strlen(text);
  if ((size_t)(end - p) < n || memcmp(p, text, n)) return 0;
  p += n;
  return 1;
}

static int number(void) {
  const uint8_t *from = p;
  while (p < end && memchr("+-.0123456789eE", *p, 15)) p++;
  return p > from;
}

static int value(int depth);

static int members(char close, int named, int depth) {
  if (take(close)) return 1;
  do {
    if (named && !(string() && take(':'))) return 0;
    if (!value(depth)) return 0;
  } while (take(','));
  return take(close);
}

static int value(int depth) {
  if (depth == DEEPEST) return 0;
  if (take('{')) return members('}', 1, depth + 1);
  if (take('[')) return members(']', 0, depth + 1);
  if (p == end) return 0;
  if (*p == '"') return string();
  return word("true") || word("false") || word("null") || number();
}

int json_valid(const uint8_t *text, size_t n) {
  p = text;
  end = text + n;
  if (!value(0)) return 0;
  space();
  return p == end;
}
