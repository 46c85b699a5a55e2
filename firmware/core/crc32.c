#include "crc32.h"

#include "rom.h"

/* Entry n is the remainder of the four bits n: a table of a kilobyte would be twice as fast. */
static const uint32_t remainders[16] ROM = {
    0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
    0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
};

static uint32_t four_bits(uint32_t crc)
{
    return crc >> 4 ^ rom_u32(&remainders[crc & 0xF]);
}

uint32_t crc32_of(const uint8_t *bytes, uint16_t size)
{
    uint32_t crc = 0xFFFFFFFFu;

    while (size--)
        crc = four_bits(four_bits(crc ^ *bytes++));
    return ~crc;
}
