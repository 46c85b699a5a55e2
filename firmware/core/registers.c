#include "registers.h"

#include <stddef.h>
#include <string.h>

#include "account.h"
#include "bytes.h"
#include "image.h"
#include "limits.h"
#include "rom.h"

#define PROTOCOL_VERSION 1, 13, 0
#define FIRMWARE_VERSION 1, 0, 0
#define HARDWARE_VERSION 1, 0, 0

#define BOOTED_FROM_DEFAULTS 0x40
#define CLOCK_UNLOCKED 0x40
#define DEFAULT_TIMEOUT_MS 250

#define NAME_MOST 24 /* one less than the register holds, so that a zero ends it */

/* Harp's common registers end before the first of our own begins. */
#define COMMON_END 20
#define OWN_BEGIN 32

struct row {
    uint8_t address, type, size, writable;
    uint16_t place;
};

#define REGISTER(name, address, type, count, writable) \
    {address, type, REGISTER_BYTES(type, count), writable, offsetof(struct values, name)},
static const struct row rows[] ROM = {
#include "registers.def"
};
#undef REGISTER

#define ROWS (sizeof rows / sizeof rows[0])

struct values values;

bool register_nth(uint8_t n, struct reg *reg)
{
    const struct row *row;

    if (n >= ROWS)
        return false;
    row = &rows[n];
    reg->address = rom_u8(&row->address);
    reg->type = rom_u8(&row->type);
    reg->size = rom_u8(&row->size);
    reg->writable = rom_u8(&row->writable);
    reg->value = (uint8_t *)&values + rom_u16(&row->place);
    return true;
}

bool register_at(uint8_t address, struct reg *reg)
{
    if (address >= OWN_BEGIN)
        address = (uint8_t)(address - (OWN_BEGIN - COMMON_END));
    else if (address >= COMMON_END)
        return false;
    return register_nth(address, reg);
}

static void set_versions(const char *core)
{
    static const uint8_t versions[] = {PROTOCOL_VERSION, FIRMWARE_VERSION, HARDWARE_VERSION};

    memcpy(values.Version, versions, sizeof versions);
    memcpy(values.Version + sizeof versions, core, 3);
    values.CoreVersionHigh[0] = versions[0];
    values.CoreVersionLow[0] = versions[1];
    values.FirmwareVersionHigh[0] = versions[3];
    values.FirmwareVersionLow[0] = versions[4];
    values.HardwareVersionHigh[0] = versions[6];
    values.HardwareVersionLow[0] = versions[7];
}

static void set_capabilities(void)
{
    static const uint16_t capabilities[] = {
        MAX_STATES, MAX_TRANSITIONS, INPUTS, OUTPUTS, MAX_TIMERS, MAX_COUNTERS, TABLE_BYTES, CYCLE_US,
    };
    uint8_t n;

    for (n = 0; n < sizeof capabilities / sizeof capabilities[0]; n++)
        put_u16(values.Capabilities + 2 * n, capabilities[n]);
}

void registers_reset(const struct identity *identity)
{
    size_t length = strlen(identity->name);

    memset(&values, 0, sizeof values);
    put_u16(values.WhoAmI, WHO_AM_I);
    set_versions(identity->core);
    values.ResetDevice[0] = BOOTED_FROM_DEFAULTS;
    memcpy(values.DeviceName, identity->name, length < NAME_MOST ? length : NAME_MOST);
    memcpy(values.UID, identity->uid, sizeof values.UID);
    memcpy(values.SerialNumber, identity->uid, sizeof values.SerialNumber);
    values.ClockConfiguration[0] = CLOCK_UNLOCKED;
    put_u16(values.HostTimeoutMs, DEFAULT_TIMEOUT_MS);
    values.TableStatus[1] = NO_STATE;
    set_capabilities();
    put_u16(values.TimeScale, identity->time_scale);
    put_u32(values.PulseBudget, NO_LIMIT);
    put_u32(values.PulseBudget + 4, NO_LIMIT);
}
