#include "requests.h"

#include <string.h>

#include "board.h"
#include "bytes.h"
#include "crc32.h"
#include "hal.h"
#include "image.h"
#include "pulses.h"

/* Bits of OperationControl. */
#define OPERATION_MODE 0x03
#define OPERATION_ACTIVE 0x01
#define OPERATION_HEARTBEAT 0x04
#define OPERATION_DUMP 0x08
#define OPERATION_MUTE 0x10
#define OPERATION_ALIVE 0x80

#define CLOCK_LOCKED 0x80
#define CLOCK_UNLOCKED 0x40

#define SHORTEST_TIMEOUT_MS 20
#define LONGEST_TIMEOUT_MS 5000

#define EVENT_BYTES 8

/* What follows the reply to a write. */
enum follow { REFUSE, NOTHING, DUMP, EVENT };

static uint8_t upload[TABLE_BYTES];
static bool reset_wanted;

/* The event that was asked for again. */
static struct event again;
static uint16_t again_seq;

void requests_reset(const struct identity *identity)
{
    memset(upload, 0, sizeof upload);
    reset_wanted = false;
    registers_reset(identity);
}

bool request_reset_wanted(void)
{
    return reset_wanted;
}

static uint8_t operation(void)
{
    return values.OperationControl[0];
}

bool request_is_active(void)
{
    return (operation() & OPERATION_MODE) == OPERATION_ACTIVE;
}

/* --- events ------------------------------------------------------------------------------------ */

static void event_words(const struct event *event, uint16_t seq, uint8_t *words)
{
    put_u32(words, tick_of(event->cycle, event->us));
    put_u16(words + 4, seq);
    words[6] = event->kind;
    words[7] = event->index;
}

void event_send(const struct event *event, uint16_t seq)
{
    uint8_t words[EVENT_BYTES];
    struct harp_time time;

    event_words(event, seq, words);
    time.seconds = event->harp_second;
    time.ticks = harp_ticks(event->in_second, event->us);
    harp_send(HARP_EVENT, REG_BoardEvent, HARP_U32, words, sizeof words, time);
}

void heartbeat_send(uint32_t second)
{
    struct harp_time time = harp_of_second(second);
    uint8_t value[4] = {1, 0, 0, 0};

    if (!request_is_active())
        return;
    if (operation() & OPERATION_HEARTBEAT) {
        harp_send(HARP_EVENT, REG_Heartbeat, HARP_U16, value, 2, time);
    } else if (operation() & OPERATION_ALIVE) {
        put_u32(value, time.seconds);
        harp_send(HARP_EVENT, REG_TimestampSeconds, HARP_U32, value, 4, time);
    }
}

/* --- replies ----------------------------------------------------------------------------------- */

/* Bring the registers that are worked out up to the present; the board must be locked. */
static struct harp_time refresh(const struct reg *reg)
{
    struct harp_time time = harp_now();
    struct event last;

    switch (reg->address) {
    case REG_TimestampSeconds:
        put_u32(reg->value, time.seconds);
        break;
    case REG_TimestampMicroseconds:
        put_u16(reg->value, time.ticks);
        break;
    case REG_Heartbeat:
        put_u16(reg->value, request_is_active());
        break;
    case REG_TickMicroseconds:
        put_u32(reg->value, tick_of(now.cycle, now.us));
        break;
    case REG_PulseSpent:
        put_u32(reg->value, account_minute);
        put_u32(reg->value + 4, account_session);
        break;
    case REG_BoardEvent:
        if (events_find((uint16_t)(events_seq - 1), &last))
            event_words(&last, (uint16_t)(events_seq - 1), reg->value);
        break;
    default:
        break;
    }
    return time;
}

static void say(uint8_t kind, const struct reg *reg)
{
    struct harp_time time;

    hal_lock();
    time = refresh(reg);
    hal_unlock();
    harp_send(kind, reg->address, reg->type, reg->value, reg->size, time);
}

static void say_refused(const struct request *request)
{
    struct harp_time time;
    uint8_t size = request->kind == HARP_WRITE ? request->size : 0;

    if (size > HARP_MOST_PAYLOAD)
        size = 0; /* the reply is longer than the request by its stamp */
    hal_lock();
    time = harp_now();
    hal_unlock();
    harp_send(request->kind | HARP_ERROR, request->address, request->type, request->payload, size, time);
}

static void dump(void)
{
    struct reg reg;
    uint8_t n;

    for (n = 0; register_nth(n, &reg); n++)
        say(HARP_READ, &reg);
}

/* --- writes ------------------------------------------------------------------------------------ */

static bool chunk(const uint8_t *payload, uint8_t size)
{
    uint16_t offset = get_u16(payload), room;

    if (offset >= TABLE_BYTES)
        return false;
    room = TABLE_BYTES - offset;
    size = (uint8_t)(size - 2);
    memcpy(upload + offset, payload + 2, size < room ? size : room);
    return true;
}

/*
 * Without a lock: the upload buffer, the slots and the longest pulses change by requests alone, and a
 * trial that ends meanwhile only makes the answer stricter than it need be.
 */
static bool commit(const uint8_t *payload)
{
    uint32_t slot = get_u32(payload), length = get_u32(payload + 4);
    struct refusal why = {REFUSED_LENGTH, NO_STATE, 0};

    if (length > 0 && length <= TABLE_BYTES) {
        if (crc32_of(upload, (uint16_t)length) != get_u32(payload + 8))
            why.code = REFUSED_CRC;
        else
            why = board_load(slot, upload, (uint16_t)length);
    }
    values.TableStatus[0] = why.code;
    values.TableStatus[1] = why.state;
    values.TableStatus[2] = why.detail;
    return why.code == REFUSED_NOT;
}

static bool set_cost(const uint8_t *payload)
{
    struct price price;

    if (get_u32(payload) >= OUTPUTS || get_u32(payload + 4) > DEAREST)
        return false;
    price.per_cycle = get_u16(payload + 4);
    price.deducted = get_u32(payload + 8);
    price.least = get_u32(payload + 12);
    return board_cost(payload[0], &price);
}

/* What the running board is told; it is locked. */
static enum follow tell_board(uint8_t address, const uint8_t *payload)
{
    switch (address) {
    case REG_TimestampSeconds:
        if (values.ClockConfiguration[0] == CLOCK_LOCKED)
            return REFUSE;
        harp_set(get_u32(payload));
        break;
    case REG_OperationControl:
        events_set_active((payload[0] & OPERATION_MODE) == OPERATION_ACTIVE);
        break;
    case REG_HostAlive:
        board_host_alive(get_u16(values.HostTimeoutMs));
        break;
    case REG_HostTimeoutMs:
        if (get_u16(payload) < SHORTEST_TIMEOUT_MS || get_u16(payload) > LONGEST_TIMEOUT_MS)
            return REFUSE;
        board_host_timeout(get_u16(payload));
        break;
    case REG_StartTrial:
        return board_start(payload[0]) ? NOTHING : REFUSE;
    case REG_Abort:
        if (payload[0] != 1)
            return REFUSE;
        board_abort(END_ABORTED);
        break;
    case REG_Pulse:
        if (get_u32(payload) >= OUTPUTS || get_u32(payload + 4) == 0)
            return REFUSE;
        board_pulse(payload[0], get_u32(payload + 4)); /* whether it was given is told by events */
        break;
    case REG_SoftEvent:
        if (payload[0] < 1 || payload[0] > 8)
            return REFUSE;
        board_soft(payload[0]);
        break;
    case REG_ReadEvent:
        again_seq = get_u16(payload);
        return events_find(again_seq, &again) ? EVENT : REFUSE;
    case REG_MaxOpen:
        if (get_u32(payload) >= OUTPUTS)
            return REFUSE;
        pulses_max_open_us[payload[0]] = get_u32(payload + 4);
        break;
    case REG_SyncSeed:
        board_sync(get_u32(payload));
        break;
    case REG_Arm:
        if (payload[0] != 1)
            return REFUSE;
        board_arm();
        break;
    case REG_PulseCost:
        return set_cost(payload) ? NOTHING : REFUSE;
    case REG_PulseBudget:
        if (get_u32(payload + 8) > 1)
            return REFUSE;
        account_allow(get_u32(payload), get_u32(payload + 4), payload[8]);
        break;
    default:
        break;
    }
    return NOTHING;
}

static enum follow obey(const struct reg *reg, const struct request *request)
{
    enum follow follow = NOTHING;
    bool good = true;

    switch (reg->address) {
    case REG_ResetDevice:
        good = request->payload[0] == 1 || request->payload[0] == 2 || request->payload[0] == 4
               || request->payload[0] == 8;
        reset_wanted = reset_wanted || good;
        return good ? NOTHING : REFUSE; /* it goes on saying how the board was booted */
    case REG_ClockConfiguration:
        *reg->value = request->payload[0] & CLOCK_LOCKED ? CLOCK_LOCKED : CLOCK_UNLOCKED;
        return NOTHING;
    case REG_TableChunk:
        good = chunk(request->payload, request->size);
        break;
    case REG_TableCommit:
        good = commit(request->payload);
        break;
    default:
        hal_lock();
        follow = tell_board(reg->address, request->payload);
        hal_unlock();
        good = follow != REFUSE;
        break;
    }
    if (!good)
        return REFUSE;
    memcpy(reg->value, request->payload, reg->size);
    if (reg->address == REG_OperationControl) {
        *reg->value &= (uint8_t)~OPERATION_DUMP;
        follow = request->payload[0] & OPERATION_DUMP ? DUMP : NOTHING;
    }
    return follow;
}

void request_carry_out(const struct request *request)
{
    enum follow follow = REFUSE;
    struct reg reg;

    if (request->kind & HARP_ERROR || request->kind == HARP_EVENT)
        return;
    if (register_at(request->address, &reg) && request->type == reg.type) {
        if (request->kind == HARP_READ)
            follow = NOTHING;
        else if (reg.writable && request->size == reg.size)
            follow = obey(&reg, request);
    }
    if (operation() & OPERATION_MUTE)
        return;
    if (follow == REFUSE) {
        say_refused(request);
        return;
    }
    say(request->kind, &reg);
    if (follow == DUMP)
        dump();
    else if (follow == EVENT)
        event_send(&again, again_seq);
}
