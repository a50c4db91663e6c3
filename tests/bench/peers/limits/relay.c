/* A WebSocket server with one thread, one epoll and one room: a text that comes in goes to every connection.
 *
 * What stands here is the least that a server of this kind does: it answers the upgrade, unmasks, reads the JSON and
 * builds the frame once. The two files that finish it, send.c and coalesced.c, are the limits the bench measures with.
 * Arguments: port.
 */
#define _GNU_SOURCE
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (1 << 18)
#define LONGEST_OUT (1 << 22)
#define EVENTS 1024

Conn **room;
size_t room_len;
static Conn **dead;
static size_t room_size, dead_len, dead_size;
static int epfd;
static uint8_t buffer[2 * BUFFER], frame[BUFFER + 10];

static void die(const char *what) { perror(what); exit(1); }

static void *grown(void *p, size_t n) {
  p = realloc(p, n);
  if (!p) die("realloc");
  return p;
}

static void list(Conn ***to, size_t *len, size_t *size, Conn *c) {
  if (*len == *size) *to = grown(*to, (*size = *size ? 2 * *size : 1024) * sizeof **to);
  (*to)[(*len)++] = c;
}

static void watch(Conn *c, int how) {
  struct epoll_event e = {.events = EPOLLIN | (c->out_len ? EPOLLOUT : 0), .data.ptr = c};
  if (epoll_ctl(epfd, how, c->fd, &e)) die("epoll_ctl");
}

static void shut(Conn *c) {
  if (c->fd < 0) return;
  close(c->fd);
  c->fd = -1;
  if (c->upgraded) {
    room[c->place] = room[--room_len];
    room[c->place]->place = c->place;
  }
  list(&dead, &dead_len, &dead_size, c);
}

void put(Conn *c, const uint8_t *data, size_t n) {
  ssize_t done = c->out_len ? 0 : send(c->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (done == (ssize_t)n) return;
  if (done < 0 && errno != EAGAIN) { shut(c); return; }
  if (done < 0) done = 0;
  n -= (size_t)done;
  if (c->out_len + n > LONGEST_OUT) { shut(c); return; }
  int first = !c->out_len;
  c->out = grown(c->out, c->out_len + n);
  memcpy(c->out + c->out_len, data + done, n);
  c->out_len += n;
  if (first) watch(c, EPOLL_CTL_MOD);
}

static void drain(Conn *c) {
  ssize_t done = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (done < 0) { if (errno != EAGAIN) shut(c); return; }
  c->out_len -= (size_t)done;
  memmove(c->out, c->out + done, c->out_len);
  if (c->out_len) return;
  free(c->out);
  c->out = NULL;
  watch(c, EPOLL_CTL_MOD);
}

static size_t make_frame(int opcode, const uint8_t *text, size_t n) {
  size_t k = 0;
  frame[k++] = (uint8_t)(0x80 | opcode);
  if (n < 126) frame[k++] = (uint8_t)n;
  else if (n < 65536) { frame[k++] = 126; frame[k++] = (uint8_t)(n >> 8); frame[k++] = (uint8_t)n; }
  else { frame[k++] = 127; for (int i = 7; i >= 0; i--) frame[k++] = (uint8_t)((uint64_t)n >> (8 * i)); }
  memcpy(frame + k, text, n);
  return k + n;
}

static size_t upgrade(Conn *c, uint8_t *p, size_t n) {
  uint8_t *end = memmem(p, n, "\r\n\r\n", 4);
  if (!end) return 0;
  *end = 0;
  char *key = strcasestr((char *)p, "\r\nsec-websocket-key:"), answer[29], reply[160];
  if (!key) { shut(c); return 0; }
  key += 20;
  key += strspn(key, " ");
  accept_key(key, strcspn(key, " \r"), answer);
  c->upgraded = 1;
  c->place = room_len;
  list(&room, &room_len, &room_size, c);
  joined(c);
  put(c, (uint8_t *)reply,
      (size_t)snprintf(reply, sizeof reply,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\n\r\n", answer));
  return (size_t)(end + 4 - p);
}

static void received(Conn *c, int opcode, const uint8_t *text, size_t n) {
  if (opcode == 0x81 && json_valid(text, n)) broadcast(frame, make_frame(1, text, n));
  else if (opcode == 0x89 && n < 126) put(c, frame, make_frame(10, text, n));
  else if (opcode != 0x8a) shut(c);
}

/* The bytes of one whole frame, or 0 where its end has not come. */
static size_t one_frame(Conn *c, uint8_t *p, size_t n) {
  if (n < 2) return 0;
  size_t length = p[1] & 127, head = length == 126 ? 8 : length == 127 ? 14 : 6;
  if (n < head) return 0;
  if (head > 6) { length = 0; for (size_t i = 2; i < head - 4; i++) length = length << 8 | p[i]; }
  if (!(p[1] & 128) || length > BUFFER - head) { shut(c); return 0; }
  if (n < head + length) return 0;
  uint8_t *mask = p + head - 4, *text = p + head;
  for (size_t i = 0; i < length; i++) text[i] ^= mask[i & 3];
  received(c, p[0], text, length);
  return head + length;
}

static void readable(Conn *c) {
  if (c->in_len) memcpy(buffer, c->in, c->in_len);
  ssize_t came = recv(c->fd, buffer + c->in_len, BUFFER, MSG_DONTWAIT);
  if (came <= 0) { if (came == 0 || errno != EAGAIN) shut(c); return; }
  size_t n = c->in_len + (size_t)came, at = 0, used = 1;
  while (c->fd >= 0 && used && at < n) {
    used = c->upgraded ? one_frame(c, buffer + at, n - at) : upgrade(c, buffer + at, n - at);
    at += used;
  }
  if (c->fd >= 0 && n - at >= BUFFER) { shut(c); return; }
  c->in_len = n - at;
  if (c->in_len) { c->in = grown(c->in, c->in_len); memcpy(c->in, buffer + at, c->in_len); }
  else { free(c->in); c->in = NULL; }
}

static void accept_all(int listener) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    Conn *c = grown(NULL, sizeof *c);
    *c = (Conn){.fd = fd};
    watch(c, EPOLL_CTL_ADD);
  }
}

static void bury(void) {
  while (dead_len) {
    Conn *c = dead[--dead_len];
    free(c->in);
    free(c->out);
    free(c);
  }
}

static int listening(int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) die("listen");
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 2) { fprintf(stderr, "usage: %s port\n", argv[0]); return 2; }
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int listener = listening(atoi(argv[1]));
  epfd = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
  if (epfd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &e)) die("epoll");
  for (;;) {
    int n = epoll_wait(epfd, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      Conn *c = events[i].data.ptr;
      if (!c) { accept_all(listener); continue; }
      if (c->fd >= 0 && events[i].events & ~(unsigned)EPOLLOUT) readable(c);
      if (c->fd >= 0 && c->out_len && events[i].events & EPOLLOUT) drain(c);
    }
    tick_ended();
    bury();
  }
}
