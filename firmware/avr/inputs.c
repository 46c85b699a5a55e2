#include "inputs.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <stdint.h>

#include "board.h"
#include "compiler.h"
#include "cycles.h"
#include "pins.h"
#include "uart.h"

/*
 * Processor clocks from the edge of a pin to the handler's look at the timer, when nothing else is
 * going on: taken off the stamp. What goes on besides makes a stamp later (docs/reference/firmware.md).
 */
#define CHANGE_LATENCY 48

#define KEPT 16 /* changes that wait for the board; a power of two */

/*
 * Noise. What these interrupts take is taken from everybody else, so an input that changes faster than
 * anybody could tell must not have it. Each of the two may come so often in a cycle, and both together bring
 * so many edges in a round of the loop. Then it is off, and ticks look at the lines until they find them
 * quiet: what counts is heard, the level in the end.
 */
#define EDGES_PER_ROUND 16 /* and CAPTURES_PER_CYCLE, CHANGES_PER_CYCLE */

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

uint8_t inputs_captures_left, inputs_changes_left;
uint8_t inputs_deaf;

static uint8_t round_left; /* edges that may come before the loop comes round */

static uint8_t change_levels; /* of the pin change lines, as last told */

/* --- interrupts -------------------------------------------------------------------------------- */

/* A change that comes too often, or for which there is no room, is found by a tick, and stamped then. */
static inline bool push(struct queue *queue, uint8_t lines, uint8_t levels, uint16_t cycle, uint16_t clocks)
{
    uint8_t in = queue->in;
    struct change *change = &queue->changes[in % KEPT];

    if (!round_left || (uint8_t)(in - queue->out) == KEPT)
        return false;
    change->cycle = cycle;
    change->us = (uint8_t)(clocks >> CLOCKS_PER_US_SHIFT);
    change->lines = lines;
    change->levels = levels;
    queue->in = (uint8_t)(in + 1);
    return true;
}

static inline bool is_captured_high(void)
{
    return CAPTURE_PINS & _BV(CAPTURE_PIN);
}

/* The captured line became what was awaited: note it, and await the opposite. */
static inline void capture(bool awaited, uint16_t cycle, uint16_t clocks, uint8_t left)
{
    while (push(&captured, 1, awaited, cycle, clocks)) {
        TCCR5B ^= _BV(ICES5);
        TIFR5 = _BV(ICF5);
        awaited = !awaited;
        round_left--;
        if (!--left || !round_left)
            break;
        /* A pulse shorter than this handler is over before its end is listened for. */
        if (awaited != is_captured_high() || TIFR5 & _BV(ICF5)) {
            inputs_captures_left = left;
            return;
        }
        clocks = TCNT5;
        cycle = cycles_low(clocks);
    }
    TIMSK5 &= (uint8_t)~_BV(ICIE5);
    inputs_deaf |= DEAF_TO_CAPTURES;
}

ISR(TIMER5_CAPT_vect)
{
    uint16_t then = ICR5, clocks = TCNT5, cycle = cycles_low(clocks);

    if (then > clocks)
        cycle--; /* the timer has begun anew since */
    capture(TCCR5B & _BV(ICES5), cycle, then, inputs_captures_left);
}

static inline void change(uint8_t left)
{
    uint16_t clocks = TCNT5, cycle = cycles_low(clocks);
    uint8_t levels = CHANGE_PINS & CHANGE_MASK, lines = levels ^ change_levels;

    if (clocks < CHANGE_LATENCY) {
        clocks += CLOCKS_PER_CYCLE;
        cycle--;
    }
    if (!lines)
        return;
    if (push(&changed, (uint8_t)(lines << CHANGE_FIRST_LINE), (uint8_t)(levels << CHANGE_FIRST_LINE), cycle,
             clocks - CHANGE_LATENCY)) {
        change_levels = levels;
        for (; lines && round_left; lines &= (uint8_t)(lines - 1))
            round_left--;
        if (--left && round_left) {
            inputs_changes_left = left;
            return;
        }
    }
    PCICR &= (uint8_t)~_BV(PCIE0);
    inputs_deaf |= DEAF_TO_CHANGES;
}

ISR(PCINT0_vect)
{
    change(inputs_changes_left);
    uart_look();
}

/* --- noise ------------------------------------------------------------------------------------- */

/* Listen again if the line is quiet, else note what it is. */
static void look_at_captured(void)
{
    bool awaited = TCCR5B & _BV(ICES5);
    uint16_t clocks;

    TIMSK5 |= _BV(ICIE5);
    TIFR5 = _BV(ICF5);
    clocks = TCNT5;
    if (awaited == is_captured_high())
        capture(awaited, cycles_low(clocks), clocks, 1);
    else
        inputs_deaf &= (uint8_t)~DEAF_TO_CAPTURES;
}

static void look_at_changes(void)
{
    PCICR |= _BV(PCIE0);
    PCIFR = _BV(PCIF0);
    if ((CHANGE_PINS & CHANGE_MASK) != change_levels)
        change(1);
    else
        inputs_deaf &= (uint8_t)~DEAF_TO_CHANGES;
}

APART void inputs_listen(uint8_t cycle)
{
    if (!round_left)
        return;
    if (cycle & 1 && inputs_deaf & DEAF_TO_CAPTURES)
        look_at_captured();
    else if (inputs_deaf & DEAF_TO_CHANGES)
        look_at_changes();
    else
        look_at_captured();
}

/* --- the board's side -------------------------------------------------------------------------- */

static bool is_empty(const struct queue *queue)
{
    return queue->in == queue->out;
}

void inputs_come_round(void)
{
    round_left = EDGES_PER_ROUND;
}

bool inputs_waiting(void)
{
    return !is_empty(&captured) || !is_empty(&changed);
}

static const struct change *oldest(const struct queue *queue)
{
    return &queue->changes[queue->out % KEPT];
}

/* Whether one change came before another; they lie less than three seconds apart. */
static bool is_earlier(const struct change *a, const struct change *b)
{
    int16_t cycles = (int16_t)(a->cycle - b->cycle);

    return cycles < 0 || (cycles == 0 && a->us < b->us);
}

/* The queue that has the oldest change of all; one of them has one. */
static struct queue *first_queue(void)
{
    if (is_empty(&changed))
        return &captured;
    if (is_empty(&captured) || is_earlier(oldest(&changed), oldest(&captured)))
        return &changed;
    return &captured;
}

static void tell_board(struct queue *queue)
{
    const struct change *change = oldest(queue);
    uint8_t lines = change->lines, levels = change->levels, line;

    for (line = 0; lines; line++, lines >>= 1, levels >>= 1)
        if (lines & 1)
            board_edge(line, levels & 1);
    queue->out++;
}

void inputs_feed(struct moment to)
{
    while (inputs_waiting()) {
        struct queue *queue = first_queue();
        const struct change *change = oldest(queue);
        int16_t later = (int16_t)(change->cycle - (uint16_t)to.cycle);
        struct moment at;

        if (later > 0 || (later == 0 && change->us > to.us))
            return;
        at.cycle = to.cycle + (uint32_t)later;
        at.us = change->us;
        if (is_before(now, at)) /* else it was stamped a moment ago, and is told only now */
            board_advance(at);
        tell_board(queue);
    }
}

void inputs_begin(void)
{
    CAPTURE_PORT |= _BV(CAPTURE_PIN);
    CHANGE_PORT |= CHANGE_MASK;
    captured.in = captured.out = changed.in = changed.out = 0;
    inputs_deaf = 0;
    inputs_tick(0);
    inputs_come_round();
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
