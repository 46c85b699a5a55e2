/*
 * The board's core as a process, for comparing it with another implementation of the same rules.
 *
 * It reads one command a line and is told what time it is: nothing happens by itself. Numbers are
 * decimal, bytes are hexadecimal digits.
 *
 *   t CYCLE US     time passes to this moment
 *   i LINE RISING  an input changes          o NUMBER     a soft event
 *   s SLOT         start; answers "r 0|1"    a REASON     abort
 *   p OUTPUT US    pulse                     m OUTPUT US  longest pulse
 *   y SEED         sync line                 k            arm
 *   h TIMEOUT_MS   the host is alive         u TIMEOUT_MS the host's new time-out
 *   c OUTPUT PER_CYCLE DEDUCTED LEAST   what an opening costs; answers "r 0|1"
 *   g PER_MINUTE PER_SESSION BEGIN   the budget
 *   v              what was spent; answers "v MINUTE SESSION"
 *   l SLOT BYTES   load a table image; answers "l CODE STATE DETAIL"
 *   w BYTES        bytes come over the wire and are worked on
 *   q ROOM         from now on events go over the wire, for which there is so much room
 *   z              reset                     x            write what there is, then a dot
 *
 * Events are written as "e TICK SEQ KIND INDEX" until the first q, bytes to the host as "b BYTES";
 * changes of the pins as "p LEVELS SYNC".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "events.h"
#include "hal.h"
#include "limits.h"
#include "link.h"
#include "pulses.h"

#define LINE_BYTES 8192

static const uint8_t uid[16] = {'E', 'M', 'U', 'L', 'A', 'T', 'O', 'R', 0, 0, 0, 0, 0, 0, 0, 1};
static const struct identity identity = {"dopaloop emulator", uid, 1, "EMU"};

static bool on_the_wire;
static long room;
static uint8_t sent[1 << 16];
static size_t n_sent;
static uint16_t shown_levels;
static bool shown_sync;

void hal_outputs(uint16_t levels)
{
    hal_outputs_now(levels);
}

void hal_outputs_now(uint16_t levels)
{
    shown_levels = levels;
    printf("p %u %d\n", shown_levels, shown_sync);
}

void hal_sync(bool level)
{
    hal_sync_now(level);
}

void hal_sync_now(bool level)
{
    shown_sync = level;
    printf("p %u %d\n", shown_levels, shown_sync);
}

void hal_send(uint8_t byte)
{
    if (n_sent == sizeof sent) {
        fprintf(stderr, "the board sent more than it was asked for\n");
        exit(1);
    }
    sent[n_sent++] = byte;
    room--;
}

uint16_t hal_room(void)
{
    return room < 0 ? 0 : room < UINT16_MAX ? (uint16_t)room : UINT16_MAX;
}

void hal_lock(void)
{
}

void hal_unlock(void)
{
}

static void write_events(void)
{
    struct event event;
    uint16_t seq;

    while (!on_the_wire && events_take(&event, &seq))
        printf("e %lu %u %u %u\n", (unsigned long)tick_of(event.cycle, event.us), seq, event.kind,
               event.index);
}

static void write_bytes(void)
{
    size_t i;

    if (!n_sent)
        return;
    fputs("b ", stdout);
    for (i = 0; i < n_sent; i++)
        printf("%02x", sent[i]);
    putchar('\n');
    n_sent = 0;
}

static void work(void)
{
    while (link_work(now.cycle))
        ;
}

/* One due cycle after the other, so that no cycle's events are overwritten before they are written. */
static void advance(struct moment to)
{
    struct moment due = {board_due, 0};

    while (!is_before(to, due)) {
        board_advance(due);
        write_events();
        due.cycle = board_due;
    }
    board_advance(to);
}

static void reset(void)
{
    board_reset();
    link_reset(&identity);
    if (!on_the_wire)
        events_set_active(true);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t unhex(const char *text, uint8_t *bytes)
{
    size_t n = 0;

    while (*text == ' ')
        text++;
    for (; digit(text[0]) >= 0 && digit(text[1]) >= 0; text += 2)
        bytes[n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
    return n;
}

static void receive(const uint8_t *bytes, size_t n)
{
    for (; n; n--) {
        if (!link_space())
            work();
        link_receive(*bytes++);
    }
    work();
}

static void obey(char *line)
{
    static uint8_t bytes[LINE_BYTES];
    unsigned long a = 0, b = 0;
    struct price price;
    char *rest = line + 1;
    struct moment to;
    struct refusal why;
    size_t n;

    a = strtoul(rest, &rest, 10);
    if (*line != 'l' && *line != 'w')
        b = strtoul(rest, &rest, 10);
    switch (*line) {
    case 't':
        to.cycle = (uint32_t)a;
        to.us = (uint8_t)b;
        advance(to);
        if (on_the_wire)
            work();
        break;
    case 'i': board_edge((uint8_t)a, b != 0); break;
    case 'o': board_soft((uint8_t)a); break;
    case 's': printf("r %d\n", board_start((uint8_t)a)); break;
    case 'a': board_abort((uint8_t)a); break;
    case 'p': board_pulse((uint8_t)a, (uint32_t)b); break;
    case 'm': pulses_max_open_us[a % OUTPUTS] = (uint32_t)b; break;
    case 'y': board_sync((uint32_t)a); break;
    case 'k': board_arm(); break;
    case 'h': board_host_alive((uint16_t)a); break;
    case 'u': board_host_timeout((uint16_t)a); break;
    case 'c':
        price.per_cycle = (uint16_t)b;
        price.deducted = (uint32_t)strtoul(rest, &rest, 10);
        price.least = (uint32_t)strtoul(rest, &rest, 10);
        printf("r %d\n", board_cost((uint8_t)a, &price));
        break;
    case 'g': account_allow((uint32_t)a, (uint32_t)b, strtoul(rest, &rest, 10) != 0); break;
    case 'v': printf("v %lu %lu\n", (unsigned long)account_minute, (unsigned long)account_session); break;
    case 'l':
        n = unhex(rest, bytes);
        why = board_load((uint32_t)a, bytes, (uint16_t)n);
        printf("l %u %u %u\n", why.code, why.state, why.detail);
        break;
    case 'w':
        n = unhex(line + 1, bytes);
        receive(bytes, n);
        break;
    case 'q':
        if (!on_the_wire)
            events_set_active(false);
        on_the_wire = true;
        room = (long)a;
        break;
    case 'z': reset(); break;
    default: break;
    }
    write_events();
}

int main(void)
{
    static char line[LINE_BYTES];

    reset();
    while (fgets(line, sizeof line, stdin)) {
        if (*line == 'x') {
            write_bytes();
            puts(".");
            fflush(stdout);
        } else {
            obey(line);
        }
    }
    return 0;
}
