/* The board's program on an ATmega2560: what portable code cannot say, and the loop. */
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <string.h>

#include "board.h"
#include "cycles.h"
#include "hal.h"
#include "inputs.h"
#include "link.h"
#include "outputs.h"
#include "pins.h"
#include "uart.h"

#define LONGEST_REST_CYCLES 10 /* a millisecond, if nothing else wakes the chip */

#define UID_BYTES 16
#define ERASED 0xFF

/* After a reset by the watchdog it is still on, at its shortest time: off with it before all else. */
void before_main(void) __attribute__((naked, used, section(".init3")));
void before_main(void)
{
    MCUSR = 0;
    wdt_disable();
}

static void show_lamp(void)
{
    if (link_is_active() && !board_is_safe())
        LAMP_PORT |= _BV(LAMP_PIN);
    else
        LAMP_PORT &= (uint8_t)~_BV(LAMP_PIN);
}

/* --- who this is ------------------------------------------------------------------------------- */

/* The first 16 bytes of the EEPROM, if somebody has written them. */
static const uint8_t *read_uid(void)
{
    static uint8_t uid[UID_BYTES];
    uint8_t n;

    eeprom_read_block(uid, (const void *)0, sizeof uid);
    for (n = 0; n < sizeof uid; n++)
        if (uid[n] != ERASED)
            return uid;
    memset(uid, 0, sizeof uid);
    return uid;
}

/* --- the loop ---------------------------------------------------------------------------------- */

static void begin(void)
{
    struct identity identity = {"dopaloop board", read_uid(), 0, "AVR"};

    cli();
    board_reset();
    link_reset(&identity);
    cycles_begin();
    inputs_begin();
    uart_forget();
    sei();
}

/* Sleep until there is something to do, or the loop should look around: the cycles wake the chip up. */
static void rest(void)
{
    uint8_t naps;

    for (naps = LONGEST_REST_CYCLES; naps; naps--) {
        cli();
        if (uart_has_byte() || link_can_send() || inputs_waiting())
            break;
        sleep_enable();
        sei(); /* takes effect after the next instruction: nothing can come between */
        sleep_cpu();
        sleep_disable();
    }
    sei();
}

int main(void)
{
    uint8_t byte;

    LAMP_DIRECTION |= _BV(LAMP_PIN);
    outputs_begin();
    set_sleep_mode(SLEEP_MODE_IDLE);
    wdt_enable(WDTO_250MS);
    uart_begin();
    begin();
    for (;;) {
        wdt_reset();
        cycles_attend();
        inputs_come_round();
        if (inputs_waiting()) {
            /* The board is told of edges as they come, so that the next cycle has the less to do. */
            hal_lock();
            hal_unlock();
        }
        while (link_space() && uart_take(&byte))
            link_receive(byte);
        if (!link_work(cycles_now()))
            rest();
        show_lamp();
        if (link_reset_wanted() && uart_has_sent())
            begin();
    }
}
