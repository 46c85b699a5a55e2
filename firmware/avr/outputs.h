/* The output pins and the sync line, which change at the end of a cycle: in the clock of the next tick. */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include <avr/io.h>
#include <stdbool.h>
#include <stdint.h>

#include "pins.h"

/* What the next tick shall show; for outputs_tick alone. */
extern volatile bool outputs_waiting;
extern volatile uint8_t outputs_next_low, outputs_next_high;
extern volatile bool outputs_next_sync;

/* Make the pins outputs, all off. */
void outputs_begin(void);

static inline void outputs_show_sync(bool level)
{
    if (level)
        SYNC_PORT |= _BV(SYNC_PIN);
    else
        SYNC_PORT &= (uint8_t)~_BV(SYNC_PIN);
}

/* A cycle has ended: the first thing that its interrupt does. */
static inline void outputs_tick(void)
{
    if (!outputs_waiting)
        return;
    outputs_waiting = false;
    OUTPUTS_LOW = outputs_next_low;
    OUTPUTS_HIGH = outputs_next_high;
    outputs_show_sync(outputs_next_sync);
}

#endif
