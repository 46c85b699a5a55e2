#include "pretend.h"

#include <stdlib.h>

#include "board.h"
#include "events.h"
#include "hal.h"
#include "limits.h"
#include "link.h"
#include "pulses.h"

uint16_t pretend_levels;

static const uint8_t uid[16];
static const struct identity identity = {"fuzz", uid, 1, "EMU"};
static uint16_t room;

void hal_outputs(uint16_t levels)
{
    pretend_levels = levels;
}

void hal_outputs_now(uint16_t levels)
{
    pretend_levels = levels;
}

void hal_sync(bool level)
{
    (void)level;
}

void hal_sync_now(bool level)
{
    (void)level;
}

void hal_send(uint8_t byte)
{
    (void)byte;
    if (room)
        room--;
}

uint16_t hal_room(void)
{
    return room;
}

void hal_lock(void)
{
}

void hal_unlock(void)
{
}

void demand(bool is_so)
{
    if (!is_so)
        abort();
}

void pretend_begin(void)
{
    uint8_t output;

    board_reset();
    link_reset(&identity);
    events_set_active(true);
    for (output = 0; output < OUTPUTS; output++)
        pulses_max_open_us[output] = 5000;
    pretend_levels = 0;
}

void pretend_pass(uint16_t cycles)
{
    struct moment to = now;

    for (; cycles; cycles--) {
        to.cycle++;
        board_advance(to);
        demand(!board_is_safe() || !pretend_levels);
        demand((pulses_on & (uint16_t)~pretend_levels) == 0);
        demand(board_slot() < MAX_SLOTS || pretend_levels == pulses_on);
        room = 300;
        while (link_work(now.cycle))
            demand(link_space() > 0);
    }
}
