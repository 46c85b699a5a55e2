/*
 * Everything a state-machine board does, apart from bytes.
 *
 * Time moves only when board_advance is told how far, and whatever is due on the way runs in order,
 * each at its own time. What the board is told happens at the moment of the last board_advance, and
 * acts in the first cycle at or after it that has not run yet; while a table runs, every cycle up to
 * now has run.
 *
 * Events that carry the same time come in this order: soft events, trial start, state entered, pulses
 * refused, output changes by ascending line, trial end, safe, sync edge. Outputs take effect at the end of
 * their cycle, but for an abort; the sync line has its edge when its event says.
 *
 * Nothing here is called from two places at once; see hal_lock.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "clock.h"
#include "image.h"

enum end_reason { END_COMPLETE = 0, END_ABORTED = 1, END_HOST_LOST = 2, END_FAULT = 3, END_BUDGET = 4 };

/*
 * The first cycle in which something is due. Until then board_advance need not be called; it is never
 * more than 30 hours ahead, so that it can be compared modulo 2**32.
 */
extern uint32_t board_due;

/* A second of board time has begun since this was last cleared, with this number. */
extern bool board_beat;
extern uint32_t board_beat_second;

/* Begin anew at time 0, with everything off. */
void board_reset(void);

/* Let time pass; `to` must not lie before now. */
void board_advance(struct moment to);

/* Input `line` changes now. */
void board_edge(uint8_t line, bool rising);

/* Hand soft event 1 to 8 to the running table. */
void board_soft(uint8_t number);

/* Put an image into a slot. What was there stays if it is refused. Needs no lock: slots are the caller's. */
struct refusal board_load(uint32_t slot, const uint8_t *image, uint16_t length);

/* The slot whose table runs or is about to, or MAX_SLOTS. */
uint8_t board_slot(void);

/* Run a slot's table from the next cycle; false if a trial runs, the slot is empty, or safe. */
bool board_start(uint8_t slot);

/* Stop the trial and switch every output off at once. Unless it was only aborted, fall into the safe state. */
void board_abort(uint8_t reason);

/* Open an output (0 to 15) from the next cycle; refusals are told by an event. */
void board_pulse(uint8_t output, uint32_t duration_us);

/* Set what an opening of an output costs; false if too many outputs would have a cost. */
bool board_cost(uint8_t output, const struct price *price);

/* Begin the sync line's sequence; 0 switches it off. */
void board_sync(uint32_t seed);

/* Leave the safe state. */
void board_arm(void);

bool board_is_safe(void);

/*
 * The host gave a sign of life; the first one begins the watch over it. Without another one (or an
 * arm) for `timeout_ms` the board falls into its safe state.
 */
void board_host_alive(uint16_t timeout_ms);

/* The host may be silent for so long, from its last sign of life. */
void board_host_timeout(uint16_t timeout_ms);

#endif
