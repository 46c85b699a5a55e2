/*
 * A state table as the bytes that the machine interprets in place (little-endian, unaligned):
 *
 *   header       16  magic "DL", version u8, states u8, timers u8, counters u8, zero u16,
 *                    transitions u16, actions u16, total length u16, zero u16
 *   a state       8  state timer u32 (cycles), outputs u16, its transitions u8, its actions u8
 *   a transition  2  condition code u8, target u8 (255 ends the trial)
 *   an action     5  kind in the upper 3 bits and index in the lower 5, value u32
 *   a timer       4  duration u32 (cycles)
 *   a counter     3  input code u8, threshold u16
 *
 * Transitions and actions of state 0 come first, then those of state 1, and so on; within a state the
 * transitions ascend by code, so that the first match has precedence.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "limits.h"

#define HEADER_BYTES 16
#define STATE_BYTES 8
#define TRANSITION_BYTES 2
#define ACTION_BYTES 5
#define TIMER_BYTES 4
#define COUNTER_BYTES 3

#define EXIT 0xFF /* target: the trial ends */
#define NO_TIMER 0xFFFFFFFFu

/* Condition codes; their order is the order of precedence. */
enum condition {
    CODE_INPUT = 0, /* + 2 * line falls, + 1 rises */
    CODE_SOFT = 16,
    CODE_COUNTER = 24,
    CODE_TIMER = 28,
    CODE_STATE_TIMER = 32
};

enum action { ACTION_PULSE = 0, ACTION_TIMER_START = 1, ACTION_TIMER_CANCEL = 2, ACTION_COUNTER_RESET = 3 };

enum refusal_code {
    REFUSED_NOT = 0,
    REFUSED_CRC = 1,
    REFUSED_LENGTH = 2,
    REFUSED_MAGIC = 3,
    REFUSED_VERSION = 4,
    REFUSED_RESERVED = 5,
    REFUSED_STATES = 6,
    REFUSED_TRANSITIONS = 7,
    REFUSED_TIMERS = 8,
    REFUSED_COUNTERS = 9,
    REFUSED_TARGET = 10,
    REFUSED_CODE = 11,
    REFUSED_ORDER = 12,
    REFUSED_OUTPUT = 13,
    REFUSED_ACTION = 14,
    REFUSED_PULSE = 15,
    REFUSED_COUNTER = 16,
    REFUSED_SLOT = 17,
    REFUSED_BUSY = 18
};

#define NO_STATE 0xFF /* the refusal is about no single state */

struct refusal {
    uint8_t code;
    uint8_t state;
    uint8_t detail;
};

/*
 * A slot: an accepted image, and the number of each state's first transition and first action in it.
 * (Only a state that has none can begin at transition 256.)
 */
struct table {
    bool filled;
    uint8_t image[TABLE_BYTES];
    uint8_t first_transition[MAX_STATES];
    uint16_t first_action[MAX_STATES];
};

/*
 * Look at an image from its first byte to its last and stop at the first fault. max_open_us holds the
 * longest pulse of each output. Whatever the bytes are, nothing outside them is read.
 */
struct refusal image_check(const uint8_t *image, uint16_t length, const uint32_t *max_open_us);

/* Put a checked image into a slot. */
void table_fill(struct table *table, const uint8_t *image, uint16_t length);

static inline uint8_t image_states(const uint8_t *image)
{
    return image[3];
}

static inline uint16_t image_actions(const uint8_t *image)
{
    return get_u16(image + 10);
}

static inline uint8_t image_timers(const uint8_t *image)
{
    return image[4];
}

static inline uint8_t image_counters(const uint8_t *image)
{
    return image[5];
}

#endif
