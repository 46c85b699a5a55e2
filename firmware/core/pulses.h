/* One pulse timer for each output, started by a table or by the host; and what the openings cost. */
#ifndef PULSES_H
#define PULSES_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

/* Outputs that a pulse holds. */
extern uint16_t pulses_on;

/* Longest pulse of each output in microseconds; 0, as after a reset, forbids pulses on it. */
extern uint32_t pulses_max_open_us[OUTPUTS];

/*
 * What became of a pulse. It is refused if the output pulses already, or if it has no length or is longer than
 * the output may be open; it is too dear if there is not enough budget for it beside the pulses that run.
 */
enum pulse { PULSE_BEGUN, PULSE_REFUSED, PULSE_TOO_DEAR };

void pulses_reset(void);

/* Stop all pulses; `cycle` is the first that has not begun yet. */
void pulses_clear(uint32_t cycle);

/* Begin a pulse in `cycle`, for whole cycles that cover its duration. */
enum pulse pulses_begin(uint8_t output, uint32_t duration_us, uint32_t cycle);

/* Note a pulse of the host's that shall begin in `cycle`; false if it may not. */
bool pulses_ask(uint8_t output, uint32_t duration_us, uint32_t cycle);

/* Begin what was asked for in `cycle`; return the outputs where it cannot be any more. */
uint16_t pulses_begin_asked(uint32_t cycle);

/* Switch off what ends in `cycle`; return the outputs for which it has to be paid, which can wait for the pins. */
uint16_t pulses_end_due(uint32_t cycle);

/* Pay for the openings that ended in `cycle`, before another begins. */
void pulses_pay(uint16_t ended, uint32_t cycle);

/* Cycles from `cycle` until a pulse begins or ends; `most` if that is later or never. */
uint32_t pulses_wait(uint32_t cycle, uint32_t most);

#endif
