/*
 * Board time. Cycle k is the instant 100 * k us; a moment is a cycle and the microseconds since.
 *
 * Cycles are counted in 32 bits and wrap after 119 hours, the microsecond tick after 71.6 minutes.
 * Differences are taken modulo 2**32, so neither wrap is an event. Harp time is seconds and ticks of
 * 32 us; it comes from the same cycles, and setting the Harp clock moves its seconds alone.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

struct moment {
    uint32_t cycle;
    uint8_t us; /* 0 to 99 */
};

struct harp_time {
    uint32_t seconds;
    uint16_t ticks; /* of 32 us, 0 to 31249 */
};

/* The board's present, and the same in Harp's seconds and cycles. Only board.c moves them, never back. */
extern struct moment now;
extern uint32_t clock_harp_second;
extern uint16_t clock_in_second;

/* The current second of board time, and its first cycle. */
extern uint32_t clock_second;
extern uint32_t clock_second_began;

void clock_reset(void);

/* Move on to a moment that lies before the end of the current second. */
static inline void clock_set(struct moment moment)
{
    now.cycle = moment.cycle;
    now.us = moment.us;
    clock_in_second = (uint16_t)((uint16_t)moment.cycle - (uint16_t)clock_second_began);
}

/* The current cycle is the first one of the next second. */
void clock_next_second(void);

/* The first cycle of the next second. */
static inline uint32_t clock_second_ends(void)
{
    return clock_second_began + CYCLES_PER_SECOND;
}

/* Microseconds of a moment, modulo 2**32. */
uint32_t tick_of(uint32_t cycle, uint8_t us);

/* Harp time of now. */
struct harp_time harp_now(void);

/* Harp time of a second of board time. */
struct harp_time harp_of_second(uint32_t second);

/* Set the Harp clock to whole seconds. */
void harp_set(uint32_t seconds);

/* Harp's ticks, `cycles` and `us` after the beginning of a second. */
uint16_t harp_ticks(uint16_t cycles, uint8_t us);

/* Whether moment a lies before b (both within 59 hours of each other). */
bool is_before(struct moment a, struct moment b);

#endif
