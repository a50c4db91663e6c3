/* The limit of servers that join what one turn of the loop brought: one send(2) per turn and connection. */
#include <stdlib.h>
#include <string.h>

#include "relay.h"

static uint8_t *tick;
static size_t tick_len, tick_room;

void joined(Conn *c) { c->since = tick_len; }

void broadcast(const uint8_t *frame, size_t n) {
  if (tick_len + n > tick_room) {
    tick_room = 2 * (tick_len + n);
    tick = realloc(tick, tick_room);
    if (!tick) abort();
  }
  memcpy(tick + tick_len, frame, n);
  tick_len += n;
}

void tick_ended(void) {
  if (!tick_len) return;
  for (size_t i = room_len; i-- > 0;) {
    Conn *c = room[i];
    size_t since = c->since;
    c->since = 0;
    if (since < tick_len) put(c, tick + since, tick_len - since);
  }
  tick_len = 0;
}
