/*
 * What the board makes of a request, by Harp's rules: one request, one stamped reply with the value
 * now in the register; an error reply for an unknown register, a wrong type or length, a write to a
 * read-only register or a value out of range (a refused write echoes its payload).
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "harp.h"
#include "registers.h"

void requests_reset(const struct identity *identity);

/* Carry out a request and send what answers it. Called without a lock. */
void request_carry_out(const struct request *request);

/* Whether the host has switched the board to active mode: then events go out. */
bool request_is_active(void);

/* A reset was asked for. It follows the reply. */
bool request_reset_wanted(void);

/* Send an event as a frame. */
void event_send(const struct event *event, uint16_t seq);

/* Send the heartbeat of a second of board time, if one is switched on. */
void heartbeat_send(uint32_t second);

#endif
