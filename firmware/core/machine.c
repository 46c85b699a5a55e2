#include "machine.h"

#include "account.h"
#include "bits.h"
#include "bytes.h"
#include "pulses.h"

/* More than all codes can be true in one cycle, and a code that none has. */
#define MOST_TRUE (CODE_STATE_TIMER + 2)
#define NO_CODE 0xFF

/* A state has at most 255 entry actions. */
#define REFUSED_BYTES 32

static const struct table *table;
static const uint8_t *state; /* the running state's record, or null */
static uint8_t state_number;
static bool state_timed;
static uint32_t state_due;

/* Found in the image once: looked at in every step. */
static uint8_t n_counters;
static const uint8_t *transitions, *actions, *timers, *counters;

static uint8_t timers_on; /* one bit for each that runs */
static uint32_t timers_due[MAX_TIMERS];
static uint16_t counts[MAX_COUNTERS];

/* The first of all the timers, if one runs. */
static bool timed;
static uint32_t next_due;

/* One bit for each entry action of the running state that was a pulse and was refused. */
static bool any_refused;
static uint8_t refused[REFUSED_BYTES];

/* The entry into the running state asked for more than there is a budget for. */
static bool too_dear;

static uint32_t at_least_one(uint32_t cycles)
{
    return cycles ? cycles : 1;
}

/* --- entering a state -------------------------------------------------------------------------- */

static const uint8_t *entry_actions(uint8_t *count)
{
    *count = state[7];
    return actions + (uint16_t)(ACTION_BYTES * table->first_action[state_number]);
}

static void note_refused(uint8_t number)
{
    uint8_t n;

    if (!any_refused)
        for (n = 0; n <= state[7] >> 3; n++)
            refused[n] = 0;
    any_refused = true;
    refused[number >> 3] |= bit8(number);
}

static void act(const uint8_t *action, uint8_t number, uint32_t cycle)
{
    uint8_t kind = action[0] >> 5, index = action[0] & 0x1F;

    if (kind == ACTION_PULSE) {
        enum pulse became = pulses_begin(index, get_u32(action + 1), cycle);
        if (became != PULSE_BEGUN)
            note_refused(number);
        too_dear = became == PULSE_TOO_DEAR;
    } else if (kind == ACTION_TIMER_START) {
        timers_due[index] = cycle + at_least_one(get_u32(timers + TIMER_BYTES * index));
        timers_on |= bit8(index);
    } else if (kind == ACTION_TIMER_CANCEL) {
        timers_on &= (uint8_t)~bit8(index);
    } else {
        counts[index] = 0;
    }
}

static void enter(uint8_t number, uint32_t cycle)
{
    const uint8_t *action;
    uint32_t timer;
    uint8_t count, n;

    state = table->image + HEADER_BYTES + (uint16_t)(STATE_BYTES * number);
    state_number = number;
    timer = get_u32(state);
    state_timed = timer != NO_TIMER;
    state_due = cycle + at_least_one(timer);
    any_refused = false;
    too_dear = machine_outputs() & account_counted; /* nobody would time that opening */
    action = entry_actions(&count);
    for (n = 0; n < count && !too_dear; n++, action += ACTION_BYTES)
        act(action, n, cycle);
}

/* Find out how long nothing happens by itself; looked at more often than it changes. */
static void find_next(uint32_t cycle)
{
    const uint32_t *due = timers_due;
    uint32_t nearest = UINT32_MAX;
    uint8_t left;

    if (state_timed)
        nearest = state_due - cycle;
    for (left = timers_on; left; left >>= 1, due++)
        if (left & 1 && *due - cycle < nearest)
            nearest = *due - cycle;
    timed = state_timed || timers_on;
    next_due = cycle + nearest;
}

void machine_start(const struct table *new_table, uint32_t cycle)
{
    const uint8_t *image = new_table->image;
    uint8_t n;

    table = new_table;
    n_counters = image_counters(image);
    transitions = image + HEADER_BYTES + (uint16_t)(STATE_BYTES * image_states(image));
    counters = image + get_u16(image + 12) - COUNTER_BYTES * n_counters;
    timers = counters - TIMER_BYTES * image_timers(image);
    actions = timers - (uint16_t)(ACTION_BYTES * image_actions(image));
    timers_on = 0;
    for (n = 0; n < MAX_COUNTERS; n++)
        counts[n] = 0;
    enter(0, cycle);
    find_next(cycle);
}

/* --- one cycle --------------------------------------------------------------------------------- */

/* What is true in a cycle, as a list of codes that ascends; each function returns its new end. */

static uint8_t *add_outside(uint8_t *end, const struct outside *outside)
{
    uint8_t byte, code, bits;

    for (byte = 0; byte < sizeof outside->bits; byte++)
        for (bits = outside->bits[byte], code = (uint8_t)(8 * byte); bits; bits >>= 1, code++)
            if (bits & 1)
                *end++ = code;
    return end;
}

/* Each counter says once that its threshold is reached; so does each timer that it ran out. */
static uint8_t *add_counters(uint8_t *end, const struct outside *outside)
{
    const uint8_t *counter = counters;
    uint8_t n;

    for (n = 0; n < n_counters; n++, counter += COUNTER_BYTES) {
        uint16_t threshold = get_u16(counter + 1);
        if (!(outside->bits[counter[0] >> 3] & bit8(counter[0])) || counts[n] >= threshold)
            continue;
        if (++counts[n] == threshold)
            *end++ = (uint8_t)(CODE_COUNTER + n);
    }
    return end;
}

static uint8_t *add_timers(uint8_t *end, uint32_t cycle)
{
    const uint32_t *due = timers_due;
    uint8_t left, code;

    for (left = timers_on, code = CODE_TIMER; left; left >>= 1, code++, due++)
        if (left & 1 && *due == cycle) {
            timers_on &= (uint8_t)~bit8((uint8_t)(code - CODE_TIMER));
            *end++ = code;
        }
    if (state_timed && state_due == cycle) {
        state_timed = false;
        *end++ = CODE_STATE_TIMER;
    }
    return end;
}

/* The target of the first transition whose condition is true; both lists ascend. */
static uint8_t find_way(const uint8_t *true_code)
{
    const uint8_t *way = transitions + (uint16_t)(TRANSITION_BYTES * table->first_transition[state_number]);
    uint8_t left;

    for (left = state[6]; left; left--, way += TRANSITION_BYTES) {
        while (*true_code < way[0])
            true_code++;
        if (*true_code == way[0])
            return way[1];
    }
    return STAY;
}

uint8_t machine_step(uint32_t cycle, const struct outside *outside)
{
    uint8_t codes[MOST_TRUE], *end = codes, target;

    if (outside->bits[0] | outside->bits[1] | outside->bits[2]) {
        end = add_outside(end, outside);
        end = add_counters(end, outside);
    }
    end = add_timers(end, cycle);
    *end = NO_CODE;
    target = find_way(codes);
    if (target == EXIT) {
        machine_stop();
        return EXIT;
    }
    if (target != STAY)
        enter(target, cycle);
    find_next(cycle);
    return target;
}

void machine_stop(void)
{
    state = NULL;
}

bool machine_running(void)
{
    return state != NULL;
}

bool machine_is_due(uint32_t cycle)
{
    return state && timed && next_due == cycle;
}

uint32_t machine_wait(uint32_t cycle, uint32_t most)
{
    return state && timed && next_due - cycle < most ? next_due - cycle : most;
}

uint16_t machine_outputs(void)
{
    return get_u16(state + 4);
}

bool machine_is_too_dear(void)
{
    return too_dear;
}

bool machine_refused(uint8_t *from, uint8_t *output)
{
    uint8_t count, n;
    const uint8_t *action;

    if (!any_refused)
        return false;
    action = entry_actions(&count);
    for (n = *from; n < count; n++)
        if (refused[n >> 3] & bit8(n)) {
            *from = (uint8_t)(n + 1);
            *output = action[ACTION_BYTES * n] & 0x1F;
            return true;
        }
    return false;
}
