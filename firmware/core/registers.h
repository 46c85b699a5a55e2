/* The board's registers and their values. registers.def lists them. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "harp.h"

#define WHO_AM_I 1990

/* The element's size is in the type's low nibble. */
#define REGISTER_BYTES(type, count) (((type) & 0x0F) * (count))

#define REGISTER(name, address, type, count, writable) REG_##name = address,
enum address {
#include "registers.def"
};
#undef REGISTER

/* What a read finds, as bytes on the wire; some are worked out when they are asked for. */
#define REGISTER(name, address, type, count, writable) uint8_t name[REGISTER_BYTES(type, count)];
struct values {
#include "registers.def"
};
#undef REGISTER

extern struct values values;

struct reg {
    uint8_t address;
    uint8_t type;
    uint8_t size; /* of the payload, in bytes */
    bool writable;
    uint8_t *value;
};

/* What this board says about itself. */
struct identity {
    const char *name;    /* up to 24 characters */
    const uint8_t *uid;  /* 16 bytes */
    uint16_t time_scale; /* 0 on real hardware; an emulator's speed ceiling otherwise */
    const char *core;    /* 3 characters: which implementation of the protocol */
};

/* Give every register the value that it has after a reset. */
void registers_reset(const struct identity *identity);

/* Look a register up; false if there is none at this address. */
bool register_at(uint8_t address, struct reg *reg);

/* The n-th register by ascending address; false after the last. */
bool register_nth(uint8_t n, struct reg *reg);

#endif
