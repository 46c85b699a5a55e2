/* CRC-32 as in zlib, Ethernet and PNG (reflected polynomial 0xEDB88320). */
#ifndef CRC32_H
#define CRC32_H

#include <stdint.h>

uint32_t crc32_of(const uint8_t *bytes, uint16_t size);

#endif
