/* A machine below the core that only looks at what the core asks of it. For the fuzz targets. */
#ifndef PRETEND_H
#define PRETEND_H

#include <stdbool.h>
#include <stdint.h>

/* What the pins show. */
extern uint16_t pretend_levels;

/* Switch on, with events going out and every output allowed to pulse for 5 ms. */
void pretend_begin(void);

/* Let the board run for so many cycles, and hold it to what must be true at any time. */
void pretend_pass(uint16_t cycles);

/* Stop if it is not so. */
void demand(bool is_so);

#endif
