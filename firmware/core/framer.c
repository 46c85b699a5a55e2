#include "framer.h"

#include <stdbool.h>
#include <string.h>

#include "harp.h"

#define NO_PLACE 0xFFFF

static uint8_t buffer[HARP_LONGEST];
static uint16_t filled;
static uint16_t stale;  /* so many of them lay there before the last silence */
static uint16_t wanted; /* nothing new can be found below this fill */
static uint16_t found;  /* end of the frame that framer_find returned, or 0 */

void framer_reset(void)
{
    filled = stale = wanted = found = 0;
}

uint16_t framer_space(void)
{
    return (uint16_t)(sizeof buffer - filled);
}

void framer_put(uint8_t byte)
{
    if (filled < sizeof buffer)
        buffer[filled++] = byte;
}

uint16_t framer_pending(void)
{
    return filled;
}

static bool is_kind(uint8_t kind)
{
    return kind == HARP_READ || kind == HARP_WRITE || kind == HARP_EVENT
           || kind == (HARP_READ | HARP_ERROR) || kind == (HARP_WRITE | HARP_ERROR);
}

static bool is_type(uint8_t type)
{
    switch (type & (uint8_t)~HARP_STAMPED) {
    case 0x01: case 0x81: case 0x02: case 0x82: case 0x04: case 0x84: case 0x08: case 0x88: case 0x44:
        return true;
    default:
        return false;
    }
}

/* Size of the frame that begins at `at`, 0 if none does, NO_PLACE if it takes more bytes to tell. */
static uint16_t frame_size(uint16_t at)
{
    const uint8_t *header = buffer + at;
    uint16_t there = filled - at;
    int16_t payload;

    if (!is_kind(header[0]))
        return 0;
    if (there > 1 && header[1] < HARP_HEADER - 1)
        return 0;
    if (there > 3 && header[3] != 0xFF)
        return 0;
    if (there < HARP_HEADER)
        return NO_PLACE;
    if (!is_type(header[4]))
        return 0;
    payload = (int16_t)(header[1] - (HARP_HEADER - 1) - (header[4] & HARP_STAMPED ? HARP_STAMP : 0));
    if (payload < 0 || payload % (header[4] & 0x0F))
        return 0;
    return (uint16_t)(header[1] + 2);
}

static bool is_sound(uint16_t at, uint16_t size)
{
    uint8_t sum = 0;
    const uint8_t *byte = buffer + at;

    while (--size)
        sum = (uint8_t)(sum + *byte++);
    return sum == *byte;
}

static void cut(uint16_t count)
{
    filled = (uint16_t)(filled - count);
    memmove(buffer, buffer + count, filled);
    stale = stale > count ? (uint16_t)(stale - count) : 0;
}

uint16_t framer_find(const uint8_t **frame)
{
    uint16_t at = 0, kept = NO_PLACE, size;

    if (filled < wanted)
        return 0;
    wanted = 0;
    while (at < filled) {
        size = frame_size(at);
        if (size && size <= filled - at) { /* NO_PLACE is more than there can be */
            if (is_sound(at, size)) {
                found = (uint16_t)(at + size);
                *frame = buffer + at;
                return size;
            }
        } else if (size) {
            /* It may become a frame; what came after a silence must not be passed over for it. */
            if (kept == NO_PLACE) {
                kept = at;
                wanted = size == NO_PLACE ? (uint16_t)(filled - at + 1) : size;
            }
            if (at >= stale)
                break;
        }
        at++;
    }
    cut(kept == NO_PLACE ? at : kept);
    if (stale)
        wanted = 0; /* a shorter frame may end behind the one that waits */
    return 0;
}

void framer_drop(void)
{
    cut(found);
    found = wanted = 0;
}

void framer_idle(void)
{
    stale = filled;
    wanted = 0;
}

void framer_give_up(void)
{
    framer_reset();
}
