/* The input lines: each edge with the moment at which it came. */
#ifndef INPUTS_H
#define INPUTS_H

#include <stdbool.h>

#include "clock.h"

/* How often an input interrupt may come in a cycle; see inputs.c. */
#define CAPTURES_PER_CYCLE 2
#define CHANGES_PER_CYCLE 2

/* For inputs_tick alone. */
#define DEAF_TO_CAPTURES 1
#define DEAF_TO_CHANGES 2
extern uint8_t inputs_captures_left, inputs_changes_left;
extern uint8_t inputs_deaf;
void inputs_listen(uint8_t cycle);

/* Begin to listen, with the lines as they are; interrupts must be off, the timer must run. */
void inputs_begin(void);

/* Whether there are edges that the board does not know of. */
bool inputs_waiting(void);

/* A cycle begins; interrupts must be off. */
static inline void inputs_tick(uint8_t cycle)
{
    inputs_captures_left = CAPTURES_PER_CYCLE;
    inputs_changes_left = CHANGES_PER_CYCLE;
    if (inputs_deaf)
        inputs_listen(cycle);
}

/* The loop has come round: there is time for more edges. */
void inputs_come_round(void);

/* Tell the board of the edges up to a moment, each at its own time; whoever calls has the board. */
void inputs_feed(struct moment to);

#endif
