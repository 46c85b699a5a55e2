/* Bits by number. A shift by a variable is a loop on an 8-bit chip; these are looked up. */
#ifndef BITS_H
#define BITS_H

#include <stdint.h>

static inline uint8_t bit8(uint8_t n)
{
    static const uint8_t bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    return bits[n & 7];
}

static inline uint16_t bit16(uint8_t n)
{
    uint16_t bit = bit8(n);
    return (uint16_t)(n & 8 ? bit << 8 : bit);
}

#endif
