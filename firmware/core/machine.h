/*
 * The interpreter of one table. It knows nothing of outputs' levels or of bytes on a wire.
 *
 * In one cycle the conditions are looked at in ascending order of their code, and the first transition
 * whose condition is true wins. It need not be stepped in cycles in which nothing came in and no timer
 * runs out.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"

#define STAY 0xFE /* no transition was taken; no state has this number */

/* One bit for each condition code that comes from outside: 16 input edges, 8 soft events. */
struct outside {
    uint8_t bits[3];
};

/* Enter state 0 of `table` in `cycle`. */
void machine_start(const struct table *table, uint32_t cycle);

/* Run one cycle; return the state entered, EXIT if the trial ended, or STAY. */
uint8_t machine_step(uint32_t cycle, const struct outside *outside);

/* Leave the table at once. */
void machine_stop(void);

bool machine_running(void);

/* Whether a timer runs out in `cycle`. */
bool machine_is_due(uint32_t cycle);

/* Cycles until a timer runs out, counted from `cycle`; `most` if that is later or never. */
uint32_t machine_wait(uint32_t cycle, uint32_t most);

/* Outputs that the running state holds. */
uint16_t machine_outputs(void);

/*
 * Whether the entry into the running state asked for a pulse that there is no budget for, or would hold an
 * output that has a cost. What it asked for behind that was not done.
 */
bool machine_is_too_dear(void);

/*
 * Pulses that the entry into the running state asked for and that could not be begun: the output of
 * the next one, `*from` being where to look (0 at first); false after the last.
 */
bool machine_refused(uint8_t *from, uint8_t *output);

#endif
