/*
 * The Harp 8-bit frame (harp-tech/protocol, BinaryProtocol-8bit 1.5):
 *
 *   0        message type: 1 read, 2 write, 3 event; bit 3 set in an error reply
 *   1        length: bytes after this one, checksum included
 *   2        address of the register
 *   3        port: 0xFF is the device itself
 *   4        payload type: low nibble element size; 0x80 signed, 0x40 float, 0x10 stamped
 *   5        seconds u32, only if stamped
 *   9        ticks of 32 us u16, only if stamped
 *   5 or 11  payload, little-endian
 *   last     checksum: sum of all bytes before it, modulo 256
 */
#ifndef HARP_H
#define HARP_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define HARP_READ 1
#define HARP_WRITE 2
#define HARP_EVENT 3
#define HARP_KIND 0x03
#define HARP_ERROR 0x08

#define HARP_U8 0x01
#define HARP_U16 0x02
#define HARP_U32 0x04
#define HARP_STAMPED 0x10

#define HARP_HEADER 5
#define HARP_STAMP 6
#define HARP_LONGEST (2 + 255)

/* What a stamped frame adds to its payload, checksum included. */
#define HARP_OVERHEAD (HARP_HEADER + HARP_STAMP + 1)

/* Largest payload of a stamped frame. */
#define HARP_MOST_PAYLOAD (HARP_LONGEST - HARP_OVERHEAD)

/* A request, taken apart. */
struct request {
    uint8_t kind; /* with the error flag */
    uint8_t address;
    uint8_t type; /* without HARP_STAMPED */
    uint8_t size; /* of the payload */
    const uint8_t *payload;
};

/* Take a whole, checked frame apart. */
struct request harp_request(const uint8_t *frame, uint16_t size);

/* Send a stamped frame; waits for room. */
void harp_send(uint8_t kind, uint8_t address, uint8_t type, const uint8_t *payload, uint8_t size,
               struct harp_time time);

#endif
