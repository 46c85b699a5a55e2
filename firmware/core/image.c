#include "image.h"

#include <string.h>

#include "bytes.h"

#define VERSION 1

static const struct refusal accepted = {REFUSED_NOT, NO_STATE, 0};

static struct refusal refuse(uint8_t code, uint8_t state, uint8_t detail)
{
    struct refusal why;
    why.code = code;
    why.state = state;
    why.detail = detail;
    return why;
}

static uint16_t image_transitions(const uint8_t *image)
{
    return get_u16(image + 8);
}

/* In 32 bits: the counts are the host's, and their sum may be anything. */
static uint32_t bytes_needed(const uint8_t *image)
{
    return HEADER_BYTES + (uint32_t)STATE_BYTES * image_states(image)
           + (uint32_t)TRANSITION_BYTES * image_transitions(image)
           + (uint32_t)ACTION_BYTES * image_actions(image) + (uint32_t)TIMER_BYTES * image_timers(image)
           + (uint32_t)COUNTER_BYTES * image_counters(image);
}

static struct refusal check_header(const uint8_t *image, uint16_t length)
{
    if (length < HEADER_BYTES || length > TABLE_BYTES)
        return refuse(REFUSED_LENGTH, NO_STATE, 0);
    if (image[0] != 'D' || image[1] != 'L')
        return refuse(REFUSED_MAGIC, NO_STATE, 0);
    if (image[2] != VERSION)
        return refuse(REFUSED_VERSION, NO_STATE, image[2]);
    if (get_u16(image + 6) || get_u16(image + 14))
        return refuse(REFUSED_RESERVED, NO_STATE, 0);
    if (image_states(image) < 1 || image_states(image) > MAX_STATES)
        return refuse(REFUSED_STATES, NO_STATE, image_states(image));
    if (image_transitions(image) > MAX_TRANSITIONS)
        return refuse(REFUSED_TRANSITIONS, NO_STATE, 0);
    if (image_timers(image) > MAX_TIMERS)
        return refuse(REFUSED_TIMERS, NO_STATE, image_timers(image));
    if (image_counters(image) > MAX_COUNTERS)
        return refuse(REFUSED_COUNTERS, NO_STATE, image_counters(image));
    if (length != get_u16(image + 12) || length != bytes_needed(image))
        return refuse(REFUSED_LENGTH, NO_STATE, 0);
    return accepted;
}

/* The outputs of a state need no look: 16 bits name the 16 outputs. */
static struct refusal check_sums(const uint8_t *image)
{
    uint16_t transitions = 0, actions = 0;
    const uint8_t *state = image + HEADER_BYTES;
    uint8_t left;

    for (left = image_states(image); left; left--, state += STATE_BYTES) {
        transitions = (uint16_t)(transitions + state[6]);
        actions = (uint16_t)(actions + state[7]);
    }
    if (transitions != image_transitions(image) || actions != image_actions(image))
        return refuse(REFUSED_LENGTH, NO_STATE, 0);
    return accepted;
}

static bool is_known(const uint8_t *image, uint8_t code)
{
    if (code < CODE_COUNTER)
        return true; /* all eight inputs and all eight soft events are there */
    if (code < CODE_TIMER)
        return code - CODE_COUNTER < image_counters(image);
    if (code < CODE_STATE_TIMER)
        return code - CODE_TIMER < image_timers(image);
    return code == CODE_STATE_TIMER;
}

static struct refusal check_transition(const uint8_t *image, uint8_t number, const uint8_t *at, int16_t last)
{
    uint8_t code = at[0], target = at[1];

    if (!is_known(image, code))
        return refuse(REFUSED_CODE, number, code);
    if (code <= last)
        return refuse(REFUSED_ORDER, number, code);
    if (target != EXIT && target >= image_states(image))
        return refuse(REFUSED_TARGET, number, target);
    return accepted;
}

static struct refusal check_action(const uint8_t *image, uint8_t number, const uint8_t *at,
                                   const uint32_t *max_open_us)
{
    uint8_t kind = at[0] >> 5, index = at[0] & 0x1F, limit;
    uint32_t value = get_u32(at + 1);

    if (kind == ACTION_PULSE) {
        if (index >= OUTPUTS)
            return refuse(REFUSED_OUTPUT, number, index);
        if (value == 0 || value > max_open_us[index])
            return refuse(REFUSED_PULSE, number, index);
        return accepted;
    }
    if (kind > ACTION_COUNTER_RESET)
        return refuse(REFUSED_ACTION, number, index);
    limit = kind == ACTION_COUNTER_RESET ? image_counters(image) : image_timers(image);
    return index >= limit || value ? refuse(REFUSED_ACTION, number, index) : accepted;
}

static struct refusal check_counter(uint8_t number, const uint8_t *at)
{
    if (at[0] >= CODE_SOFT || get_u16(at + 1) == 0)
        return refuse(REFUSED_COUNTER, NO_STATE, number);
    return accepted;
}

struct refusal image_check(const uint8_t *image, uint16_t length, const uint32_t *max_open_us)
{
    struct refusal why = check_header(image, length);
    const uint8_t *states = image + HEADER_BYTES, *at;
    uint8_t number, left;

    if (why.code == REFUSED_NOT)
        why = check_sums(image);
    if (why.code != REFUSED_NOT)
        return why;
    at = states + STATE_BYTES * image_states(image);
    for (number = 0; number < image_states(image); number++) {
        int16_t last = -1;
        for (left = states[STATE_BYTES * number + 6]; left; left--, at += TRANSITION_BYTES) {
            why = check_transition(image, number, at, last);
            if (why.code != REFUSED_NOT)
                return why;
            last = at[0];
        }
    }
    for (number = 0; number < image_states(image); number++)
        for (left = states[STATE_BYTES * number + 7]; left; left--, at += ACTION_BYTES) {
            why = check_action(image, number, at, max_open_us);
            if (why.code != REFUSED_NOT)
                return why;
        }
    at += TIMER_BYTES * image_timers(image);
    for (number = 0; number < image_counters(image); number++, at += COUNTER_BYTES) {
        why = check_counter(number, at);
        if (why.code != REFUSED_NOT)
            return why;
    }
    return accepted;
}

void table_fill(struct table *table, const uint8_t *image, uint16_t length)
{
    uint16_t transition = 0, action = 0;
    uint8_t number;

    memcpy(table->image, image, length);
    for (number = 0; number < image_states(image); number++) {
        const uint8_t *state = table->image + HEADER_BYTES + STATE_BYTES * number;
        table->first_transition[number] = (uint8_t)transition;
        table->first_action[number] = action;
        transition = (uint16_t)(transition + state[6]);
        action = (uint16_t)(action + state[7]);
    }
    table->filled = true;
}
