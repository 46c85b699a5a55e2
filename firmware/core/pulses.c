#include "pulses.h"

#include "account.h"
#include "bits.h"
#include "compiler.h"

uint16_t pulses_on;
uint32_t pulses_max_open_us[OUTPUTS];

static uint32_t ends[OUTPUTS];
static uint32_t next_end; /* the first of them; looked at in every due cycle, so it is kept */

/* When the running pulse of each output began, or how long one that was asked for shall be. */
static uint32_t begun[OUTPUTS];

/* All that is asked for begins in the same, the coming cycle. */
static uint16_t asked;
static uint32_t asked_cycle;

void pulses_reset(void)
{
    uint8_t output;

    for (output = 0; output < OUTPUTS; output++)
        pulses_max_open_us[output] = 0;
    pulses_on = asked = 0;
}

/*
 * Rounded up. A division by 100 is a multiplication with what 1/100 is in binary, cut where it is exact.
 * Nearly all pulses are shorter than 65.5 ms, for which half as many bits do.
 */
static APART uint32_t cycles_of_long(uint32_t us)
{
    uint32_t cycles = (uint32_t)((uint64_t)us * 0x51EB851Fu >> 32) >> 5;
    return cycles + (cycles * CYCLE_US != us);
}

static uint16_t cycles_of_short(uint16_t us)
{
    uint16_t cycles = (uint16_t)((uint32_t)us * 0x147Bu >> 16) >> 3;
    return (uint16_t)(cycles + ((uint16_t)(cycles * CYCLE_US) != us));
}

static uint32_t cycles_of(uint32_t us)
{
    return us <= UINT16_MAX ? cycles_of_short((uint16_t)us) : cycles_of_long(us);
}

/* Add what running pulses will have cost. */
static APART uint32_t set_aside(uint32_t units, uint16_t running)
{
    uint8_t output;

    for (output = 0; running; output++, running >>= 1)
        if (running & 1)
            units = account_add(units, account_cost(output, ends[output] - begun[output]));
    return units;
}

static APART bool is_affordable(uint8_t output, uint32_t cycles)
{
    uint32_t units = account_cost(output, cycles);
    uint16_t running = pulses_on & account_counted;

    if (running)
        units = set_aside(units, running);
    return account_fits(units);
}

static bool may_begin(uint8_t output, uint32_t duration_us)
{
    return !(pulses_on & bit16(output)) && duration_us && duration_us <= pulses_max_open_us[output];
}

APART enum pulse pulses_begin(uint8_t output, uint32_t duration_us, uint32_t cycle)
{
    uint32_t length;

    if (!may_begin(output, duration_us))
        return PULSE_REFUSED;
    length = cycles_of(duration_us);
    if (account_counted & bit16(output) && !is_affordable(output, length))
        return PULSE_TOO_DEAR;
    if (!pulses_on || length < next_end - cycle)
        next_end = cycle + length;
    begun[output] = cycle;
    ends[output] = cycle + length;
    pulses_on |= bit16(output);
    return PULSE_BEGUN;
}

bool pulses_ask(uint8_t output, uint32_t duration_us, uint32_t cycle)
{
    if (asked & bit16(output) || !may_begin(output, duration_us))
        return false;
    if (account_counted & bit16(output) && !is_affordable(output, cycles_of(duration_us)))
        return false;
    asked |= bit16(output);
    begun[output] = duration_us;
    asked_cycle = cycle;
    return true;
}

uint16_t pulses_begin_asked(uint32_t cycle)
{
    uint16_t refused = 0, bit = 1;
    uint8_t output;

    if (!asked || asked_cycle != cycle)
        return 0;
    for (output = 0; asked; output++, bit = (uint16_t)(bit << 1)) {
        if (!(asked & bit))
            continue;
        asked &= (uint16_t)~bit;
        if (pulses_begin(output, begun[output], cycle) != PULSE_BEGUN)
            refused |= bit;
    }
    return refused;
}

uint16_t pulses_end_due(uint32_t cycle)
{
    uint32_t nearest = UINT32_MAX;
    uint16_t left = pulses_on, bit = 1, ended = 0;
    const uint32_t *due = ends;

    if (!left || next_end != cycle)
        return 0;
    for (; left; left >>= 1, bit = (uint16_t)(bit << 1), due++) {
        if (!(left & 1))
            continue;
        if (*due == cycle)
            ended |= bit;
        else if (*due - cycle < nearest)
            nearest = *due - cycle;
    }
    next_end = cycle + nearest;
    pulses_on &= (uint16_t)~ended;
    return ended & account_counted;
}

APART void pulses_pay(uint16_t ended, uint32_t cycle)
{
    uint8_t output;

    for (output = 0; ended; output++, ended >>= 1)
        if (ended & 1)
            account_spend(account_cost(output, cycle - begun[output]));
}

void pulses_clear(uint32_t cycle)
{
    pulses_pay(pulses_on & account_counted, cycle);
    pulses_on = asked = 0;
}

uint32_t pulses_wait(uint32_t cycle, uint32_t most)
{
    if (asked && asked_cycle - cycle < most)
        most = asked_cycle - cycle;
    if (pulses_on && next_end - cycle < most)
        most = next_end - cycle;
    return most;
}
