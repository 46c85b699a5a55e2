#include "outputs.h"

#include <util/atomic.h>

#include "clock.h"
#include "cycles.h"
#include "hal.h"

volatile bool outputs_waiting;
volatile uint8_t outputs_next_low, outputs_next_high;
volatile bool outputs_next_sync;

void outputs_begin(void)
{
    OUTPUTS_LOW = OUTPUTS_HIGH = 0;
    OUTPUTS_LOW_DIRECTION = OUTPUTS_HIGH_DIRECTION = 0xFF;
    SYNC_DIRECTION |= _BV(SYNC_PIN);
}

/* The tick that ends the board's cycle may have come already, if its work took long: then it is now. */
static void show(bool at_once)
{
    outputs_waiting = true;
    if (at_once || cycles_are_over())
        outputs_tick();
}

static void set_outputs(uint16_t levels, bool at_once)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        outputs_next_low = (uint8_t)levels;
        outputs_next_high = (uint8_t)(levels >> 8);
        show(at_once);
    }
}

static void set_sync(bool level, bool at_once)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        outputs_next_sync = level;
        show(at_once);
    }
}

void hal_outputs(uint16_t levels)
{
    set_outputs(levels, false);
}

void hal_outputs_now(uint16_t levels)
{
    set_outputs(levels, true);
}

void hal_sync(bool level)
{
    set_sync(level, false);
}

void hal_sync_now(bool level)
{
    set_sync(level, true);
}
