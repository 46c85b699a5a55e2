#include "harp.h"

#include "bytes.h"
#include "hal.h"

struct request harp_request(const uint8_t *frame, uint16_t size)
{
    struct request request;
    uint8_t skip = frame[4] & HARP_STAMPED ? HARP_HEADER + HARP_STAMP : HARP_HEADER;

    request.kind = frame[0];
    request.address = frame[2];
    request.type = frame[4] & (uint8_t)~HARP_STAMPED;
    request.payload = frame + skip;
    request.size = (uint8_t)(size - skip - 1);
    return request;
}

static uint8_t send_summed(const uint8_t *bytes, uint8_t size, uint8_t sum)
{
    for (; size; size--, bytes++) {
        sum = (uint8_t)(sum + *bytes);
        hal_send(*bytes);
    }
    return sum;
}

void harp_send(uint8_t kind, uint8_t address, uint8_t type, const uint8_t *payload, uint8_t size,
               struct harp_time time)
{
    uint8_t head[HARP_HEADER + HARP_STAMP], sum;

    head[0] = kind;
    head[1] = (uint8_t)(size + HARP_OVERHEAD - 2);
    head[2] = address;
    head[3] = 0xFF;
    head[4] = type | HARP_STAMPED;
    put_u32(head + 5, time.seconds);
    put_u16(head + 9, time.ticks);
    sum = send_summed(head, sizeof head, 0);
    sum = send_summed(payload, size, sum);
    hal_send(sum);
}
