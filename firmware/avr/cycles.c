#include "cycles.h"

#include <avr/interrupt.h>
#include <avr/io.h>

#include "board.h"
#include "compiler.h"
#include "hal.h"
#include "inputs.h"
#include "outputs.h"
#include "uart.h"

/*
 * A board so many cycles late is not running its table any more. It makes itself safe, and says so.
 * Tables of a protocol never get there: their longest state entry takes less than one cycle.
 */
#define LATEST_CYCLES 20

/*
 * A table may be in time and yet leave none for the host: nobody would be answered, and an abort not be heard.
 * After so many cycles in which the loop has not come round, such a table is ended in the same way.
 */
#define LONGEST_UNATTENDED 250

uint8_t cycles_worst_delay;

static volatile uint32_t cycle;
static volatile bool busy; /* somebody works on the board: it must not be advanced by the interrupt */
static volatile uint8_t attended; /* in which cycle the loop came round, modulo 256 */

void cycles_begin(void)
{
    cycle = 0;
    busy = false;
    attended = 0;
    cycles_worst_delay = 0;
    TCCR5A = 0;
    OCR5A = CLOCKS_PER_CYCLE - 1;
    TCNT5 = 0;
    TIFR5 = _BV(OCF5A);
    TIMSK5 |= _BV(OCIE5A);
    TCCR5B |= _BV(WGM52) | _BV(CS50); /* clear on compare, every processor clock */
}

uint32_t cycles_now(void)
{
    uint32_t value;

    cli();
    value = cycle;
    sei();
    return value;
}

bool cycles_are_over(void)
{
    int8_t since = (int8_t)((uint8_t)cycle - (uint8_t)now.cycle);

    return since > 0 || (since == 0 && TIFR5 & _BV(OCF5A));
}

/* Whether the timer began anew, and its interrupt has not been served yet. */
static bool is_ahead(uint16_t clocks)
{
    return TIFR5 & _BV(OCF5A) && clocks < CLOCKS_PER_CYCLE / 2;
}

uint16_t cycles_low(uint16_t clocks)
{
    return (uint16_t)((uint16_t)cycle + is_ahead(clocks));
}

struct moment cycles_moment(uint16_t clocks)
{
    struct moment moment;

    moment.cycle = cycle + is_ahead(clocks);
    moment.us = (uint8_t)(clocks >> CLOCKS_PER_US_SHIFT);
    if (moment.us >= CYCLE_US) /* never on the chip; simavr begins anew a clock or two late */
        moment.us = CYCLE_US - 1;
    return moment;
}

void cycles_attend(void)
{
    attended = (uint8_t)cycle;
}

/* Looked at whenever something is due: of a table that takes all the time that is in every cycle. */
static inline bool is_unattended(uint32_t present)
{
    return (uint8_t)((uint8_t)present - attended) >= LONGEST_UNATTENDED;
}

/* The board is about to run a cycle that was due `late` cycles ago. If that is too much, it is safe now instead. */
static APART bool is_too_much(uint32_t late)
{
    if (late > cycles_worst_delay)
        cycles_worst_delay = late < 255 ? (uint8_t)late : 255;
    if (late < LATEST_CYCLES && !(is_unattended(cycles_now()) && board_slot() < MAX_SLOTS))
        return false;
    board_abort(END_FAULT);
    return true;
}

/* Run all cycles up to the present one, one after the other: time may go on meanwhile. */
static APART void catch_up(void)
{
    struct moment to;
    uint32_t present;
    int32_t late;

    to.us = 0;
    while ((int32_t)((present = cycles_now()) - now.cycle) > 0) {
        to.cycle = present;
        late = (int32_t)(present - board_due);
        if ((late > 0 || (late == 0 && is_unattended(present))) && !is_too_much((uint32_t)late))
            to.cycle = board_due;
        if (inputs_waiting())
            inputs_feed(to);
        board_advance(to);
    }
}

/* Whether the board has something to do by now; interrupts must be off. */
static inline bool is_wanted(void)
{
    return inputs_waiting() || (int32_t)(cycle - board_due) >= 0;
}

/* Give the board back. A tick that comes while it is taken leaves its cycle to be run here. */
static void release(void)
{
    cli();
    while ((int32_t)(cycle - board_due) >= 0) {
        catch_up(); /* lets interrupts in */
        cli();
    }
    busy = false;
}

ISR(TIMER5_COMPA_vect)
{
    outputs_tick();
    cycle++;
    inputs_tick((uint8_t)cycle);
    if (busy || !is_wanted())
        return;
    busy = true;
    uart_hold();
    catch_up();
    release();
    uart_release();
}

void hal_lock(void)
{
    struct moment to;

    busy = true;
    cli();
    to = cycles_moment(TCNT5);
    sei();
    if (inputs_waiting())
        inputs_feed(to);
    board_advance(to);
}

void hal_unlock(void)
{
    release();
    sei();
}
