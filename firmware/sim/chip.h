/*
 * An ATmega2560 in libsimavr with the board's firmware in it, and what is wired to its pins.
 *
 * simavr emulates the processor clock by clock. Where its model differs from the chip, this program puts
 * it right: a byte takes ten bits on the line (simavr counts eleven), the receiver holds two bytes and a
 * third that is coming in, not sixty-four (line.c), and clearing one flag of a timer leaves its other
 * flags alone (simavr 1.6 clears them all, and with them an interrupt that waits).
 */
#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <avr_ioport.h>
#include <avr_timer.h>
#include <avr_uart.h>
#include <sim_avr.h>
#include <sim_elf.h>

#define CLOCK_HZ 16000000
#define CLOCKS_PER_US 16
#define NEVER UINT64_MAX

/* One event as the firmware keeps it in its memory (core/events.h, without padding). */
#define EVENT_BYTES 13
#define EVENTS_KEPT 64

extern avr_t *avr;
extern avr_uart_t *uart;
extern avr_timer_t *timer;

/* --- chip.c --------------------------------------------------------------------------------------- */

/* Load a .elf or .hex file and switch the chip on; false if that cannot be done. */
bool chip_begin(const char *file);

/* The clock at which board time 0 was, or NEVER before the firmware has started its timer. */
uint64_t chip_origin(void);

/* Run until this clock, or, if asked, until the board noted an event; false if the chip has stopped. */
bool chip_run(uint64_t until, bool stop_at_event);

/* Drive input `line` at a clock to come; in their order. */
void chip_drive(uint64_t at, int line, bool high);

/* Bytes of the chip's memory behind a symbol of the firmware; null if there is no such symbol. */
const uint8_t *chip_memory(const char *symbol);

/* What happened, for whoever drives the chip. */
void told_event(uint64_t at, uint16_t seq, const uint8_t *event);
void told_pins(uint64_t at, uint16_t levels, bool sync);

/* --- line.c --------------------------------------------------------------------------------------- */

void line_begin(void);

/* The host writes a byte, which goes out behind those before it. */
void line_write(uint8_t byte);

/* Bytes that the host has written and that are still on their way. */
size_t line_waiting(void);

/* The next byte whose last bit has left the chip, or -1. */
int line_read(uint64_t *at);

/* Hand the receiver what it can take; called after each instruction. */
void line_tend(void);

/* Bytes that the receiver could not hold, and the most that it ever held. */
extern unsigned line_overruns, line_deepest;

/* --- probe.c -------------------------------------------------------------------------------------- */

/* Measure interrupts, sleep and stack; from now on. */
void probe_begin(void);
void probe_tend(uint64_t before);
void probe_tell(void (*tell)(const char *name, unsigned long long value));

#endif
