/* What the portable core asks of the machine below it: the chip (avr/) or a process (host/). */
#ifndef HAL_H
#define HAL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Drive all outputs, bit n is output n, at the end of the running cycle: then it does not show how long the
 * cycle's work took, and a pulse is as long as it says. If the cycle is over already: at once.
 */
void hal_outputs(uint16_t levels);

/* Drive all outputs at once, whatever was to happen at the end of the cycle. */
void hal_outputs_now(uint16_t levels);

/* The same for the sync line. */
void hal_sync(bool level);
void hal_sync_now(bool level);

/* Hand one byte to the serial line; waits for room in the sending ring. */
void hal_send(uint8_t byte);

/* How many bytes the sending ring takes without waiting. */
uint16_t hal_room(void);

/*
 * Between hal_lock and hal_unlock no cycle runs by itself, so the board may be told something.
 * hal_lock also brings the board up to the present, so what it is told happens now. Cycles that
 * become due meanwhile run in hal_unlock: keep it short.
 */
void hal_lock(void);
void hal_unlock(void);

#endif
