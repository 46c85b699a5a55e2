/* What this board holds. Register Capabilities tells the host the same numbers. */
#ifndef LIMITS_H
#define LIMITS_H

#define MAX_STATES 64
#define MAX_TRANSITIONS 256
#define MAX_TIMERS 4
#define MAX_COUNTERS 4
#define MAX_SLOTS 2
#define TABLE_BYTES 1536

#define INPUTS 8
#define OUTPUTS 16

/* The machine's grid, and how many of its cycles make a second. */
#define CYCLE_US 100
#define CYCLES_PER_SECOND 10000
#define CYCLES_PER_MS 10

/* How many events can be read again by their number. A power of two that divides 65536. */
#define EVENTS_KEPT 64

#endif
