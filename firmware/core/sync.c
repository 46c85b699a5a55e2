#include "sync.h"

#define WIDTH_CYCLES 200u
#define SHORTEST_CYCLES 5000u
#define LONGEST_CYCLES 20000u

bool sync_level;

static uint32_t word; /* 0: the line is off */
static uint32_t next_cycle;

static uint32_t interval(void)
{
    word ^= word << 13;
    word ^= word >> 17;
    word ^= word << 5;
    return SHORTEST_CYCLES + word % (LONGEST_CYCLES - SHORTEST_CYCLES + 1);
}

void sync_begin(uint32_t seed, uint32_t cycle)
{
    sync_level = false;
    word = seed;
    if (word)
        next_cycle = cycle + interval();
}

bool sync_is_due(uint32_t cycle)
{
    return word && next_cycle == cycle;
}

bool sync_is_next(uint32_t cycle)
{
    return sync_is_due(cycle + 1);
}

void sync_toggle(void)
{
    sync_level = !sync_level;
    next_cycle += sync_level ? WIDTH_CYCLES : interval() - WIDTH_CYCLES;
}

uint32_t sync_wait(uint32_t cycle, uint32_t most)
{
    uint32_t wait = next_cycle - cycle; /* the edge of this very cycle has been taken */

    if (wait > 1)
        wait--; /* the line is told in the cycle before the edge */
    return word && wait < most ? wait : most;
}
