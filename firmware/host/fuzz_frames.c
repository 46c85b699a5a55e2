/*
 * Any bytes over the wire, with any silence in between.
 *
 * The input is pieces: a length byte, the bytes, and a byte that says how many cycles pass then (times 20
 * if its upper bit is set, so that silences of a second occur).
 */
#include <stddef.h>

#include "board.h"
#include "link.h"
#include "pretend.h"

#define MOST_PIECES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    uint8_t pieces, length, pause;

    pretend_begin();
    for (pieces = 0; data < end && pieces < MOST_PIECES; pieces++) {
        for (length = *data++; length && data < end; length--) {
            if (!link_space())
                pretend_pass(1);
            if (link_reset_wanted())
                pretend_begin();
            link_receive(*data++);
        }
        pause = data < end ? *data++ : 0;
        pretend_pass(pause & 0x80 ? (uint16_t)(20 * (pause & 0x7F)) : pause);
        if (link_reset_wanted())
            pretend_begin();
    }
    board_abort(END_FAULT);
    demand(!pretend_levels && board_is_safe());
    return 0;
}
