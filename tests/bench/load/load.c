/* The load client of the bench: one thread, one epoll, any number of WebSocket connections.
 *
 * It is told what to do by lines on stdin and answers each with one line of JSON on stdout, so that the bench can read
 * the server's CPU time and memory between them. It counts deliveries by the letter '~', which stands once in each
 * published text, followed by 16 digits: the monotonic clock in microseconds, from which the latency comes. It parses
 * frame headers only and copies no payload but a publisher's, so that it is far from being what limits a server.
 *
 * Arguments: host port path dialect clients-file
 * Dialects: plain (what is sent is relayed), centrifuge (connect command, `{}` pings), socketio (Engine.IO 4).
 * A line of the clients file: what to say first, a tab, what to publish (empty: only listens). In the latter %I becomes
 * a number, %T the '~' and its digits.
 *
 * Commands:
 *   connect FROM TO          opens those of these that are not, at most 256 of them on their way at once
 *   publish SECONDS RATE     open loop: RATE messages a second in all, over the publishers in turn
 *   closed SECONDS WINDOW    closed loop: WINDOW messages in flight, the next when one came back
 *   burst COUNT              publishes so many at once
 *   wait SECONDS             counts what arrives
 *   slow FROM TO             these stop reading
 *   drop FROM TO             closes these without a word
 *   quit
 * After publish, closed and burst it waits for what is still on its way (at most 3 s): that belongs to what was
 * published. `seconds` ends with the last arrival.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PLAIN, CENTRIFUGE, SOCKETIO };
enum { CLOSED, CONNECTING, UPGRADING, GREETING, OPEN };

typedef struct {
  int fd, state, slow;
  uint8_t head[14];      /* the header of a frame, as far as it came */
  uint8_t head_len;
  uint8_t opcode;
  uint8_t small[64];     /* the beginning of a payload: enough for pings and Engine.IO's numbers */
  uint8_t small_len;
  uint64_t left;         /* bytes of the payload still to come */
  uint64_t length;
  char *hello, *publish;
  char *out;             /* what the kernel did not take yet */
  size_t out_len;
  char *reply;           /* a publisher's line under way, to find the acks in it */
  size_t reply_len;
} Conn;

#define BUFFER (1 << 20)
#define SAMPLES (1 << 20)
#define RING (1 << 16)
#define ON_THEIR_WAY 256      /* the listener's backlog is not what is measured */
#define CONNECT_US 180000000ull
#define QUIET_US 400000ull
#define DRAIN_US 3000000ull

static Conn *conns;
static int total, dialect, epfd, *publishers, publisher_count, next_publisher;
static struct sockaddr_storage address;
static socklen_t address_len;
static char *path, *host;
static uint8_t buffer[BUFFER];
static uint64_t deliveries, acks, errors, closed_count, open_count, bytes_in, published, came_back, opening, last_arrival;
static uint32_t samples[SAMPLES], ack_samples[SAMPLES];
static uint64_t sample_count, ack_count, every = 1, seen;
static uint64_t sent_at[RING], next_id = 2;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what) { perror(what); exit(1); }

static void watch(Conn *c, int mod) {
  struct epoll_event e = {.data.u32 = (uint32_t)(c - conns)};
  e.events = (c->slow ? 0 : EPOLLIN) | (c->out_len || c->state == CONNECTING ? EPOLLOUT : 0);
  if (epoll_ctl(epfd, mod, c->fd, &e)) die("epoll_ctl");
}

static void shut(Conn *c) {
  if (c->state == CLOSED) return;
  if (c->state == OPEN) open_count--; else { errors++; opening--; }
  close(c->fd);
  free(c->out); free(c->reply);
  c->out = c->reply = NULL;
  c->out_len = c->reply_len = c->left = c->head_len = 0;
  c->state = CLOSED;
  closed_count++;
}

static void put(Conn *c, const char *data, size_t n) {
  if (c->state == CLOSED) return;
  ssize_t done = c->out_len ? 0 : send(c->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (done < 0) {
    if (errno != EAGAIN) { shut(c); return; }
    done = 0;
  }
  if ((size_t)done == n) return;
  c->out = realloc(c->out, c->out_len + n - done);
  memcpy(c->out + c->out_len, data + done, n - done);
  c->out_len += n - done;
  watch(c, EPOLL_CTL_MOD);
}

static void flush_out(Conn *c) {
  ssize_t done = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (done < 0) { if (errno != EAGAIN) shut(c); return; }
  memmove(c->out, c->out + done, c->out_len - done);
  c->out_len -= done;
  if (!c->out_len) watch(c, EPOLL_CTL_MOD);
}

/* A client frame, masked with zeros: legal, and free to make. */
static size_t frame(char *to, int opcode, const char *text, size_t n) {
  size_t k = 0;
  to[k++] = (char)(0x80 | opcode);
  if (n < 126) to[k++] = (char)(0x80 | n);
  else if (n < 65536) { to[k++] = (char)0xfe; to[k++] = (char)(n >> 8); to[k++] = (char)n; }
  else { to[k++] = (char)0xff; for (int i = 7; i >= 0; i--) to[k++] = (char)(n >> (8 * i)); }
  memset(to + k, 0, 4);
  memcpy(to + k + 4, text, n);
  return k + 4 + n;
}

static void say(Conn *c, int opcode, const char *text, size_t n) {
  static char out[1 << 17];
  put(c, out, frame(out, opcode, text, n));
}

static void opened(Conn *c) { c->state = OPEN; open_count++; opening--; }

static void sample(uint64_t at, uint64_t now) {
  if (seen++ % every == 0) samples[sample_count++ % SAMPLES] = (uint32_t)(now - at);
}

static int digits(const uint8_t *p, uint64_t *value) {
  *value = 0;
  for (int i = 0; i < 16; i++) {
    if (p[i] < '0' || p[i] > '9') return 0;
    *value = *value * 10 + (p[i] - '0');
  }
  return 1;
}

/* Acks of a publisher: lines that begin with {"id":N. */
static void line(Conn *c, uint64_t now) {
  char *p = c->reply, *end = c->reply + c->reply_len;
  while (p < end) {
    char *stop = memchr(p, '\n', end - p);
    if (!stop) stop = end;
    if (stop - p > 7 && !memcmp(p, "{\"id\":", 6)) {
      uint64_t id = strtoull(p + 6, NULL, 10);
      acks++;
      if (memmem(p, stop - p < 40 ? stop - p : 40, "\"error\"", 7)) errors++;
      ack_samples[ack_count++ % SAMPLES] = (uint32_t)(now - sent_at[id % RING]);
    }
    p = stop + 1;
  }
  c->reply_len = 0;
}

static void refused(Conn *c) {
  if (!errors) fprintf(stderr, "refused: %.*s\n", c->small_len, c->small);
  shut(c);
}

static void ended(Conn *c, uint64_t now) {
  if (c->opcode == 9) { say(c, 10, (char *)c->small, c->small_len); return; }
  if (c->opcode == 8) { shut(c); return; }
  if (dialect == CENTRIFUGE) {
    if (c->state == GREETING) {
      c->reply_len = 0;
      if (memmem(c->small, c->small_len, "\"error\"", 7)) refused(c); else opened(c);
      return;
    }
    if (c->length == 2 && !memcmp(c->small, "{}", 2)) say(c, 1, "{}", 2);
    else if (c->publish) line(c, now);
  } else if (dialect == SOCKETIO) {
    if (c->small_len && c->small[0] == '2') say(c, 1, "3", 1);
    else if (c->state == GREETING && c->small[0] == '0') say(c, 1, "40", 2);
    else if (c->state == GREETING && c->small_len > 1 && c->small[0] == '4' && c->small[1] == '0') opened(c);
  }
}

static void payload(Conn *c, const uint8_t *p, size_t n, uint64_t now) {
  if (c->small_len < sizeof c->small) {
    size_t k = sizeof c->small - c->small_len < n ? sizeof c->small - c->small_len : n;
    memcpy(c->small + c->small_len, p, k);
    c->small_len += k;
  }
  if (c->publish && dialect == CENTRIFUGE) {
    c->reply = realloc(c->reply, c->reply_len + n);
    memcpy(c->reply + c->reply_len, p, n);
    c->reply_len += n;
  }
  const uint8_t *end = p + n;
  while ((p = memchr(p, '~', end - p))) {
    uint64_t at;
    p++;
    deliveries++;
    if (c->publish) came_back++;
    if (end - p >= 16 && digits(p, &at)) sample(at, now);
    if (p >= end) break;
  }
}

static void consume(Conn *c, const uint8_t *p, size_t n, uint64_t now) {
  while (n && c->state != CLOSED) {
    if (!c->left) {
      c->head[c->head_len++] = *p++; n--;
      if (c->head_len < 2) continue;
      int more = (c->head[1] & 127) == 126 ? 2 : (c->head[1] & 127) == 127 ? 8 : 0;
      if (c->head_len < 2 + more) continue;
      c->left = c->head[1] & 127;
      if (more) { c->left = 0; for (int i = 0; i < more; i++) c->left = c->left << 8 | c->head[2 + i]; }
      c->opcode = c->head[0] & 15; c->length = c->left; c->head_len = 0; c->small_len = 0;
      if (!c->left) ended(c, now);
      continue;
    }
    size_t k = c->left < n ? c->left : n;
    payload(c, p, k, now);
    p += k; n -= k; c->left -= k;
    if (!c->left) ended(c, now);
  }
}

static void upgraded(Conn *c, const uint8_t *p, size_t n, uint64_t now) {
  uint8_t *end = memmem(p, n, "\r\n\r\n", 4);
  if (n < 12 || memcmp(p + 9, "101", 3) || !end) { shut(c); return; }
  if (dialect == PLAIN) opened(c); else c->state = GREETING;
  if (*c->hello) say(c, 1, c->hello, strlen(c->hello));
  end += 4;
  consume(c, end, p + n - end, now);
}

static void readable(Conn *c, uint64_t now) {
  ssize_t n = recv(c->fd, buffer, BUFFER, MSG_DONTWAIT);
  if (n <= 0) { if (n == 0 || errno != EAGAIN) shut(c); return; }
  bytes_in += n;
  last_arrival = now;
  if (c->state == UPGRADING) upgraded(c, buffer, n, now);
  else consume(c, buffer, n, now);
}

static void begin(Conn *c) {
  c->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) die("socket");
  int one = 1;
  if (address.ss_family == AF_INET) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(c->fd, (struct sockaddr *)&address, address_len) && errno != EINPROGRESS) { close(c->fd); errors++; return; }
  opening++;
  c->state = CONNECTING;
  c->slow = 0;
  watch(c, EPOLL_CTL_ADD);
}

static void connected(Conn *c) {
  char request[2048];
  int n = snprintf(request, sizeof request,
    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\nUser-Agent: bench\r\n\r\n", path, host);
  c->state = UPGRADING;
  watch(c, EPOLL_CTL_MOD);
  put(c, request, n);
}

static void turn(int timeout_ms) {
  struct epoll_event events[1024];
  int n = epoll_wait(epfd, events, 1024, timeout_ms);
  uint64_t now = now_us();
  for (int i = 0; i < n; i++) {
    Conn *c = conns + events[i].data.u32;
    if (c->state == CLOSED) continue;
    if (c->state == CONNECTING && events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
      int error = 0; socklen_t len = sizeof error;
      getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
      if (error) shut(c); else connected(c);
      continue;
    }
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c, now);
    if (c->state != CLOSED && c->out_len && events[i].events & EPOLLOUT) flush_out(c);
  }
}

static int publish(void) {
  Conn *c;
  int tried = 0;
  do {
    if (tried++ == publisher_count) return 0;
    c = conns + publishers[next_publisher++ % publisher_count];
  } while (c->state != OPEN);
  static char text[1 << 16];
  size_t n = 0;
  uint64_t now = now_us(), id = next_id++;
  for (const char *p = c->publish; *p; p++) {
    if (p[0] == '%' && p[1] == 'T') { n += sprintf(text + n, "~%016llu", (unsigned long long)now); p++; }
    else if (p[0] == '%' && p[1] == 'I') { n += sprintf(text + n, "%llu", (unsigned long long)id); p++; }
    else text[n++] = *p;
  }
  sent_at[id % RING] = now;
  published++;
  say(c, 1, text, n);
  return 1;
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void percentiles(const char *name, uint32_t *values, uint64_t count) {
  uint64_t n = count < SAMPLES ? count : SAMPLES;
  qsort(values, n, sizeof *values, compare);
  printf(",\"%s_p50_us\":%u,\"%s_p99_us\":%u,\"%s_max_us\":%u", name, n ? values[n / 2] : 0, name,
         n ? values[n - 1 - n / 100] : 0, name, n ? values[n - 1] : 0);
}

static void clear(void) {
  deliveries = acks = errors = bytes_in = published = came_back = closed_count = 0;
  sample_count = ack_count = seen = 0;
}

static void report(uint64_t began, uint64_t ended) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  printf("{\"seconds\":%.6f,\"open\":%llu,\"deliveries\":%llu,\"published\":%llu,\"acks\":%llu,\"errors\":%llu,\"closed\":%llu,"
         "\"bytes\":%llu,\"client_cpu_seconds\":%.6f", (ended - began) / 1e6, (unsigned long long)open_count,
         (unsigned long long)deliveries, (unsigned long long)published, (unsigned long long)acks, (unsigned long long)errors,
         (unsigned long long)closed_count, (unsigned long long)bytes_in,
         u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
  percentiles("delivery", samples, sample_count);
  percentiles("ack", ack_samples, ack_count);
  printf("}\n");
  fflush(stdout);
}

static void open_range(int from, int to) {
  uint64_t began = now_us();
  while ((from < to || opening) && now_us() - began < CONNECT_US) {
    for (; from < to && opening < ON_THEIR_WAY; from++) if (conns[from].state == CLOSED) begin(conns + from);
    turn(1);
  }
  errors += opening + (uint64_t)(to - from);
}

static void run_open(double seconds, double rate) {
  uint64_t began = now_us(), sent = 0, end = began + (uint64_t)(seconds * 1e6);
  for (uint64_t at = began; at < end; at = now_us()) {
    uint64_t due = (uint64_t)((at - began) * rate / 1e6) + 1;
    while (sent < due) { publish(); sent++; }
    turn(rate > 500 ? 0 : 1);
  }
}

static void run_closed(double seconds, uint64_t window) {
  uint64_t end = now_us() + (uint64_t)(seconds * 1e6);
  while (now_us() < end) {
    uint64_t back = dialect == CENTRIFUGE ? acks : came_back;
    while (published < back + window && publish()) continue;
    turn(1);
  }
}

static void drain(void) {
  uint64_t began = now_us();
  last_arrival = began;
  while (now_us() - last_arrival < QUIET_US && now_us() - began < DRAIN_US) turn(5);
}

static void obey(const char *word, double a, double b) {
  uint64_t began = now_us();
  clear();
  if (!strcmp(word, "connect")) open_range((int)a, (int)b);
  else if (!strcmp(word, "publish")) { every = 1 + (uint64_t)(a * b * open_count / SAMPLES); run_open(a, b); }
  else if (!strcmp(word, "closed")) { every = 64; run_closed(a, (uint64_t)b); }
  else if (!strcmp(word, "burst")) { every = 1; for (int i = 0; i < (int)a; i++) publish(); }
  else if (!strcmp(word, "wait")) { every = 16; while (now_us() - began < a * 1e6) turn(5); }
  else if (!strcmp(word, "slow")) for (int i = (int)a; i < (int)b; i++) { conns[i].slow = 1; if (conns[i].state != CLOSED) watch(conns + i, EPOLL_CTL_MOD); }
  else if (!strcmp(word, "drop")) for (int i = (int)a; i < (int)b; i++) shut(conns + i);
  else if (!strcmp(word, "quit")) exit(0);
  int publishes = !strcmp(word, "publish") || !strcmp(word, "closed") || !strcmp(word, "burst");
  if (publishes) drain();
  report(began, publishes ? last_arrival : now_us());
}

static void load_clients(const char *file) {
  FILE *f = fopen(file, "r");
  if (!f) die(file);
  size_t room = 0, cap = 0;
  char *text = NULL;
  ssize_t n;
  while ((n = getline(&text, &room, f)) > 0) {
    if (text[n - 1] == '\n') text[--n] = 0;
    if ((size_t)total == cap) conns = realloc(conns, (cap = cap ? cap * 2 : 1024) * sizeof *conns);
    Conn *c = conns + total++;
    memset(c, 0, sizeof *c);
    char *tab = strchr(text, '\t');
    if (tab) *tab = 0;
    c->hello = strdup(text);
    c->publish = tab && tab[1] ? strdup(tab + 1) : NULL;
  }
  publishers = malloc(total * sizeof *publishers);
  for (int i = 0; i < total; i++) if (conns[i].publish) publishers[publisher_count++] = i;
}

int main(int argc, char **argv) {
  if (argc != 6) { fprintf(stderr, "load host port path plain|centrifuge|socketio clients-file\n"); return 2; }
  host = argv[1]; path = argv[3];
  dialect = !strcmp(argv[4], "centrifuge") ? CENTRIFUGE : !strcmp(argv[4], "socketio") ? SOCKETIO : PLAIN;
  struct sockaddr_in *in = (struct sockaddr_in *)&address;
  in->sin_family = AF_INET;
  in->sin_port = htons((uint16_t)atoi(argv[2]));
  inet_pton(AF_INET, host, &in->sin_addr);
  address_len = sizeof *in;
  load_clients(argv[5]);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  epfd = epoll_create1(0);
  fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
  char command[256];
  size_t have = 0;
  for (;;) {
    turn(5);
    ssize_t n = read(0, command + have, sizeof command - 1 - have);
    if (n == 0) return 0;
    if (n > 0) have += n;
    command[have] = 0;
    char *stop = strchr(command, '\n');
    if (!stop) continue;
    *stop = 0;
    double a = 0, b = 0;
    char word[16] = "";
    sscanf(command, "%15s %lf %lf", word, &a, &b);
    have -= stop + 1 - command;
    memmove(command, stop + 1, have);
    obey(word, a, b);
  }
}
