/* The input lines: each edge with the moment at which it came. */
#ifndef INPUTS_H
#define INPUTS_H

#include <stdbool.h>

#include "clock.h"

/* Begin to listen, with the lines as they are; interrupts must be off, the timer must run. */
void inputs_begin(void);

/* Whether there are edges that the board does not know of. */
bool inputs_waiting(void);

/* Tell the board of the edges up to a moment, each at its own time; whoever calls has the board. */
void inputs_feed(struct moment to);

#endif
