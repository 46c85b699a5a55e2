/*
 * What happened, numbered, in the order of time. The last 64 events can be read again by number.
 *
 * The same ring is the queue of what has not been sent: when the line is too slow, the oldest unsent
 * event is overwritten, counted, and the loss is told by an event of its own (OVERRUN).
 *
 * Whoever pushes owns the queue; others call events_take and events_find under hal_lock.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stdint.h>

enum event_kind {
    EVENT_NONE = 0,
    EVENT_INPUT_FALL = 1,
    EVENT_INPUT_RISE = 2,
    EVENT_OUTPUT_OFF = 3,
    EVENT_OUTPUT_ON = 4,
    EVENT_STATE = 5,
    EVENT_TRIAL_START = 6, /* index: slot */
    EVENT_TRIAL_END = 7,   /* index: enum end_reason */
    EVENT_SOFT = 8,
    EVENT_SYNC_FALL = 9,
    EVENT_SYNC_RISE = 10,
    EVENT_SAFE = 11,          /* index: enum end_reason */
    EVENT_PULSE_REFUSED = 12, /* index: output */
    EVENT_OVERRUN = 13        /* index: how many were lost, at most 255 */
};

/* Harp's ticks and the microsecond tick are worked out when the event is sent: pushing must be quick. */
struct event {
    uint32_t cycle;
    uint32_t harp_second;
    uint16_t in_second; /* cycles since that second began */
    uint8_t us;
    uint8_t kind;
    uint8_t index;
};

/* The number that the next event gets. */
extern uint16_t events_seq;

/* Event n lies at n modulo EVENTS_KEPT. */
extern struct event events_ring[];

void events_reset(void);

/* Outside active mode nothing is kept. */
void events_set_active(bool active);

/* Note that something happened now. */
void events_push(uint8_t kind, uint8_t index);

bool events_waiting(void);

/* Take the oldest unsent event; false if there is none. After a loss, say so behind the others. */
bool events_take(struct event *event, uint16_t *seq);

/* Find an event by number; false if it is not among the last 64. */
bool events_find(uint16_t seq, struct event *event);

#endif
