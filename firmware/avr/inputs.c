#include "inputs.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <stdint.h>

#include "board.h"
#include "cycles.h"
#include "pins.h"

/*
 * Processor clocks from the edge of a pin to the handler's look at the timer, when nothing else is
 * going on: taken off the stamp. What goes on besides makes a stamp later (docs/reference/firmware.md).
 */
#define CHANGE_LATENCY 48

#define KEPT 16 /* more than their interrupts can take in a cycle; a power of two */

/*
 * Lines that changed at one moment, one bit for each. There is one queue for the captured line and one
 * for the others, for each interrupt is in order by itself. What an interrupt does is short: no other
 * one, and no byte, is taken meanwhile.
 */
struct change {
    uint16_t cycle; /* its lower half */
    uint8_t us;
    uint8_t lines;
    uint8_t levels;
};

struct queue {
    struct change changes[KEPT];
    volatile uint8_t in, out;
};

static struct queue captured, changed;

static uint8_t change_levels; /* of the pin change lines, as last told */

/* --- interrupts -------------------------------------------------------------------------------- */

/* A change for which there is no room is found again, and stamped late, with the next one. */
static inline bool push(struct queue *queue, uint8_t lines, uint8_t levels, uint16_t cycle, uint16_t clocks)
{
    uint8_t in = queue->in;
    struct change *change = &queue->changes[in % KEPT];

    if ((uint8_t)(in - queue->out) == KEPT)
        return false;
    change->cycle = cycle;
    change->us = (uint8_t)(clocks >> CLOCKS_PER_US_SHIFT);
    change->lines = lines;
    change->levels = levels;
    queue->in = (uint8_t)(in + 1);
    return true;
}

ISR(TIMER5_CAPT_vect)
{
    uint16_t then = ICR5, clocks = TCNT5, cycle = cycles_low(clocks);
    bool awaited = TCCR5B & _BV(ICES5);

    if (then > clocks)
        cycle--; /* the timer has begun anew since */
    for (;;) {
        if (!push(&captured, 1, awaited, cycle, then))
            break;
        TCCR5B ^= _BV(ICES5);
        TIFR5 = _BV(ICF5);
        awaited = !awaited;
        /* A pulse shorter than this handler is over before its end is listened for. */
        if (awaited != !!(CAPTURE_PINS & _BV(CAPTURE_PIN)) || TIFR5 & _BV(ICF5))
            break;
        then = TCNT5;
        cycle = cycles_low(then);
    }
}

ISR(PCINT0_vect)
{
    uint16_t clocks = TCNT5, cycle = cycles_low(clocks);
    uint8_t levels = CHANGE_PINS & CHANGE_MASK, lines = levels ^ change_levels;

    if (clocks < CHANGE_LATENCY) {
        clocks += CLOCKS_PER_CYCLE;
        cycle--;
    }
    if (lines && push(&changed, (uint8_t)(lines << CHANGE_FIRST_LINE), (uint8_t)(levels << CHANGE_FIRST_LINE),
                      cycle, clocks - CHANGE_LATENCY))
        change_levels = levels;
}

/* --- the board's side -------------------------------------------------------------------------- */

static bool is_empty(const struct queue *queue)
{
    return queue->in == queue->out;
}

bool inputs_waiting(void)
{
    return !is_empty(&captured) || !is_empty(&changed);
}

/* When the oldest change in a queue came; it lies less than three seconds before or after `near`. */
static struct moment oldest(const struct queue *queue, uint32_t near)
{
    const struct change *change = &queue->changes[queue->out % KEPT];
    struct moment moment;

    moment.cycle = near + (uint32_t)(int16_t)(change->cycle - (uint16_t)near);
    moment.us = change->us;
    return moment;
}

static void tell_board(struct queue *queue)
{
    const struct change *change = &queue->changes[queue->out % KEPT];
    uint8_t lines = change->lines, levels = change->levels, line;

    for (line = 0; lines; line++, lines >>= 1, levels >>= 1)
        if (lines & 1)
            board_edge(line, levels & 1);
    queue->out++;
}

void inputs_feed(struct moment to)
{
    while (inputs_waiting()) {
        struct queue *next = is_empty(&captured) ? &changed : &captured;
        struct moment at = oldest(next, to.cycle), other;

        if (next == &captured && !is_empty(&changed)) {
            other = oldest(&changed, to.cycle);
            if (is_before(other, at)) {
                next = &changed;
                at = other;
            }
        }
        if (is_before(to, at))
            return;
        if (is_before(now, at)) /* else it was stamped a moment ago, and is told only now */
            board_advance(at);
        tell_board(next);
    }
}

void inputs_begin(void)
{
    CAPTURE_PORT |= _BV(CAPTURE_PIN);
    CHANGE_PORT |= CHANGE_MASK;
    captured.in = captured.out = changed.in = changed.out = 0;
    change_levels = CHANGE_PINS & CHANGE_MASK;
    PCMSK0 = CHANGE_MASK;
    PCIFR = _BV(PCIF0);
    PCICR |= _BV(PCIE0);
    if (CAPTURE_PINS & _BV(CAPTURE_PIN))
        TCCR5B &= (uint8_t)~_BV(ICES5);
    else
        TCCR5B |= _BV(ICES5);
    TIFR5 = _BV(ICF5);
    TIMSK5 |= _BV(ICIE5);
}
