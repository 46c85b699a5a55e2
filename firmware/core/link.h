/* The chip's one thread of work: bytes to requests, requests to replies, events to frames. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "registers.h"

void link_reset(const struct identity *identity);

/* How many bytes link_receive takes now. */
uint16_t link_space(void);

/* A byte came from the host. */
void link_receive(uint8_t byte);

/*
 * Do one piece of work: a request, an event or a heartbeat, in this order. `cycle` is the present.
 * Returns whether there may be more to do at once.
 */
bool link_work(uint32_t cycle);

/* Whether the sending ring has room for the next event, and there is one. */
bool link_can_send(void);

/* Whether the host has switched the board to active mode. */
bool link_is_active(void);

/* A reset was asked for, and answered. */
bool link_reset_wanted(void);

#endif
