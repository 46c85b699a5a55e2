/*
 * The chip's clock, and the machine's grid.
 *
 * Timer 5 counts processor clocks from 0 to 1599 and begins again every 100 us. Its compare interrupt
 * counts cycles and runs what is due in them, with interrupts on, so that bytes and edges are taken
 * meanwhile. Work that takes longer than a cycle is caught up with; no tick is lost as long as
 * interrupts are never off for 100 us.
 */
#ifndef CYCLES_H
#define CYCLES_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define CLOCKS_PER_CYCLE 1600
#define CLOCKS_PER_US_SHIFT 4

/* Start, or start anew, at cycle 0; interrupts must be off. */
void cycles_begin(void);

/* Whether the cycle that the board is in is over by the clock; interrupts must be off. */
bool cycles_are_over(void);

/* The cycle that runs. */
uint32_t cycles_now(void);

/* The lower half of the cycle in which the timer stands at `clocks`; interrupts must be off. */
uint16_t cycles_low(uint16_t clocks);

/* The moment `clocks` after the beginning of a cycle, as read from the timer; interrupts must be off. */
struct moment cycles_moment(uint16_t clocks);

/* The loop has come round: whoever asks is attended to. */
void cycles_attend(void);

/* How many cycles the board was late at worst since it was started. */
extern uint8_t cycles_worst_delay;

#endif
