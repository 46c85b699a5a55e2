/*
 * The sync line: pulses at random intervals, so that other clocks can be fitted to the board's.
 * Onsets are 0.5 to 2 s apart on the machine's grid, each pulse is 20 ms wide. The intervals come from
 * a 32-bit xorshift generator (Marsaglia 2003, Journal of Statistical Software 8:14).
 */
#ifndef SYNC_H
#define SYNC_H

#include <stdbool.h>
#include <stdint.h>

extern bool sync_level;

/* Begin the sequence of `seed` in `cycle`, with the line low; seed 0 keeps it low. */
void sync_begin(uint32_t seed, uint32_t cycle);

/* Whether an edge is due in `cycle`, and whether one is due in the cycle after it. */
bool sync_is_due(uint32_t cycle);
bool sync_is_next(uint32_t cycle);

/* Take the edge that is due. */
void sync_toggle(void);

/* Cycles from `cycle` to the next edge, or to the cycle before it; `most` if that is later or never. */
uint32_t sync_wait(uint32_t cycle, uint32_t most);

#endif
