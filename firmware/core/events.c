#include "events.h"

#include "clock.h"
#include "limits.h"

uint16_t events_seq;
struct event events_ring[EVENTS_KEPT];

static struct event *next; /* where the next one goes */
static bool active;
static uint8_t kept;
static uint8_t unsent;
static uint16_t lost;

void events_reset(void)
{
    events_seq = 0;
    next = events_ring;
    active = false;
    kept = unsent = 0;
    lost = 0;
}

void events_set_active(bool is_active)
{
    active = is_active;
}

void events_push(uint8_t kind, uint8_t index)
{
    struct event *event = next;

    if (!active)
        return;
    event->cycle = now.cycle;
    event->harp_second = clock_harp_second;
    event->in_second = clock_in_second;
    event->us = now.us;
    event->kind = kind;
    event->index = index;
    next = event == &events_ring[EVENTS_KEPT - 1] ? events_ring : event + 1;
    events_seq++;
    if (kept < EVENTS_KEPT)
        kept++;
    if (unsent < EVENTS_KEPT)
        unsent++;
    else if (lost < UINT16_MAX)
        lost++;
}

bool events_waiting(void)
{
    return unsent > 0;
}

bool events_take(struct event *event, uint16_t *seq)
{
    if (!unsent)
        return false;
    *seq = (uint16_t)(events_seq - unsent);
    *event = events_ring[*seq % EVENTS_KEPT];
    unsent--;
    if (lost) {
        uint8_t count = lost < 255 ? (uint8_t)lost : 255;
        lost = 0;
        events_push(EVENT_OVERRUN, count);
    }
    return true;
}

bool events_find(uint16_t seq, struct event *event)
{
    uint16_t back = (uint16_t)(events_seq - 1 - seq);

    if (back >= kept)
        return false;
    *event = events_ring[seq % EVENTS_KEPT];
    return true;
}
