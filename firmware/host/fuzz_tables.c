/*
 * Any bytes as a table image; one that is accepted is run under inputs.
 *
 * The input is a length (two bytes), the image, and then bytes of which each says what happens: an edge of
 * an input, a soft event, or time that passes.
 */
#include <stddef.h>

#include "board.h"
#include "pretend.h"

#define MOST_HAPPENINGS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void happen(uint8_t what)
{
    if (what < 0x40)
        board_edge(what & 7, what >> 3 & 1);
    else if (what < 0x60)
        board_soft((uint8_t)(1 + (what & 7)));
    else if (what == 0x60)
        board_start(0);
    else
        pretend_pass(what & 0x3F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint16_t length, happenings;
    struct refusal why;

    if (size < 2)
        return 0;
    length = (uint16_t)(data[0] | data[1] << 8);
    data += 2;
    size -= 2;
    if (length > size)
        length = (uint16_t)size;
    pretend_begin();
    pretend_pass(1);
    why = board_load(0, data, length);
    demand(board_start(0) == (why.code == REFUSED_NOT));
    data += length;
    size -= length;
    pretend_pass(50);
    for (happenings = 0; size && happenings < MOST_HAPPENINGS; size--, happenings++)
        happen(*data++);
    board_abort(END_ABORTED);
    demand(!pretend_levels && board_slot() == MAX_SLOTS);
    return 0;
}
