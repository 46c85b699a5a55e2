#include "link.h"

#include "board.h"
#include "events.h"
#include "framer.h"
#include "hal.h"
#include "harp.h"
#include "limits.h"
#include "requests.h"

#define EVENT_FRAME_BYTES (HARP_OVERHEAD + 8)

static bool fresh;      /* bytes came that were not looked at yet */
static bool looked;     /* the silence after the last byte was used to look behind a partial frame */
static uint32_t heard;  /* cycle of the last byte */
static uint32_t silent; /* cycles since then, as of the last look */

void link_reset(const struct identity *identity)
{
    framer_reset();
    events_reset();
    requests_reset(identity);
    fresh = looked = false;
}

uint16_t link_space(void)
{
    return framer_space();
}

void link_receive(uint8_t byte)
{
    fresh = true;
    framer_put(byte);
}

bool link_reset_wanted(void)
{
    return request_reset_wanted();
}

bool link_is_active(void)
{
    return request_is_active();
}

bool link_can_send(void)
{
    return (events_waiting() || board_beat) && hal_room() >= EVENT_FRAME_BYTES;
}

/* Carry out the next request, if one is whole. */
static bool answer(void)
{
    const uint8_t *frame;
    uint16_t size = framer_find(&frame);
    struct request request;

    if (!size)
        return false;
    request = harp_request(frame, size);
    request_carry_out(&request);
    framer_drop();
    return true;
}

/* After a silence, what lies behind a partial frame may be one; later the partial one is given up. */
static bool settle(void)
{
    if (!framer_pending())
        return false;
    if (!looked && silent >= (uint32_t)FRAMER_IDLE_MS * CYCLES_PER_MS) {
        looked = true;
        framer_idle();
        if (answer())
            return true;
    }
    if (silent >= (uint32_t)FRAMER_GIVE_UP_MS * CYCLES_PER_MS)
        framer_give_up();
    return false;
}

static void send_event(void)
{
    struct event event;
    uint16_t seq;
    bool is_there;

    hal_lock();
    is_there = events_take(&event, &seq);
    hal_unlock();
    if (is_there)
        event_send(&event, seq);
}

static void send_beat(void)
{
    uint32_t second;

    hal_lock();
    board_beat = false;
    second = board_beat_second;
    hal_unlock();
    heartbeat_send(second);
}

bool link_work(uint32_t cycle)
{
    bool more = false;

    if (fresh) {
        fresh = looked = false;
        heard = cycle;
    }
    silent = cycle - heard;
    if (!link_reset_wanted())
        more = answer() || settle();
    if (!link_can_send())
        return more;
    if (events_waiting())
        send_event();
    else
        send_beat();
    return true;
}
