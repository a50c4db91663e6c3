/* What the two limits share: connections, and the one thing in which they differ, how a frame reaches the room. */
#ifndef RELAY_H
#define RELAY_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  int fd;          /* -1: closed, freed when the tick ends */
  int upgraded;
  size_t place;    /* in `room`, once upgraded */
  size_t since;    /* coalesced.c: the part of this tick that was there before this connection */
  uint8_t *in;     /* the beginning of a request or frame whose end has not come */
  size_t in_len;
  uint8_t *out;    /* what the kernel did not take */
  size_t out_len;
} Conn;

extern Conn **room;
extern size_t room_len;

/* Sends, or keeps what does not fit; a reader that is too slow is closed. */
void put(Conn *c, const uint8_t *data, size_t n);

/* Implemented by send.c and coalesced.c. */
void joined(Conn *c);
void broadcast(const uint8_t *frame, size_t n);
void tick_ended(void);

int json_valid(const uint8_t *text, size_t n);
void accept_key(const char *key, size_t n, char answer[29]);

#endif
