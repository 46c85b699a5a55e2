/*
 * The chip as a process.
 *
 *   chip FIRMWARE        step by step, by commands: nothing happens but what is asked for
 *   chip FIRMWARE --pty  in real time, with its serial line on a pseudo-terminal
 *
 * FIRMWARE is a .elf or .hex file; of an .elf the board's events can be seen as it notes them. Commands
 * are lines on standard input; times are clocks of the chip (16 a microsecond), bytes hexadecimal.
 *
 *   run CLOCK        run until then                    until CLOCK  or until the board notes an event
 *   write BYTES      the host writes                   pin LINE LEVEL [CLOCK]  drive an input
 *   probe            measure from now on               stats        tell what was measured
 *   peek SYMBOL N    bytes of the chip's memory
 *
 * The answer to a command is lines that end with ". CLOCK ORIGIN", ORIGIN being the clock of board time 0:
 *
 *   e CLOCK CYCLE US SEQ KIND INDEX   an event      p CLOCK LEVELS SYNC  the outputs changed
 *   b CLOCK BYTES                     to the host; CLOCK is when the last bit of the last byte left
 *   s NAME VALUE                      a measurement m BYTES              memory
 *
 * In real time events and pins are told as they come, and there is no answer to "pin".
 */
#include "chip.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define COMMAND_BYTES 65536
#define SLICE_CLOCKS (CLOCK_HZ / 4000)      /* a quarter of a millisecond */
#define LONGEST_LAG_CLOCKS (CLOCK_HZ / 20)  /* what was not run in time is not made up for */
#define MOST_WAITING 64                     /* the rest stays in the pseudo-terminal */

static FILE *out;

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void told_event(uint64_t at, uint16_t seq, const uint8_t *event)
{
    fprintf(out, "e %llu %lu %u %u %u %u\n", (unsigned long long)at, (unsigned long)get_u32(event),
            event[10], seq, event[11], event[12]);
}

void told_pins(uint64_t at, uint16_t levels, bool sync)
{
    fprintf(out, "p %llu %u %d\n", (unsigned long long)at, levels, sync);
}

static void tell_value(const char *name, unsigned long long value)
{
    fprintf(out, "s %s %llu\n", name, value);
}

static void tell_bytes(void)
{
    uint64_t at = 0;
    int byte = line_read(&at);
    bool any = byte >= 0;
    static char digits[2 * COMMAND_BYTES + 1];
    size_t n = 0;

    for (; byte >= 0 && n < sizeof digits - 2; byte = line_read(&at), n += 2)
        sprintf(digits + n, "%02x", (unsigned)byte);
    if (any)
        fprintf(out, "b %llu %s\n", (unsigned long long)at, digits);
}

static void tell_end(void)
{
    tell_bytes();
    fprintf(out, ". %llu %lld\n", (unsigned long long)avr->cycle, (long long)chip_origin());
    fflush(out);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void write_bytes(const char *text)
{
    while (*text == ' ')
        text++;
    for (; digit(text[0]) >= 0 && digit(text[1]) >= 0; text += 2)
        line_write((uint8_t)(digit(text[0]) << 4 | digit(text[1])));
}

static void peek(char *rest)
{
    char *symbol = strtok(rest, " \n"), *count = strtok(NULL, " \n");
    const uint8_t *at = symbol ? chip_memory(symbol) : NULL;
    long n = count ? strtol(count, NULL, 10) : 0;

    fputs("m ", out);
    for (; at && n > 0; n--)
        fprintf(out, "%02x", *at++);
    fputc('\n', out);
}

static bool obey(char *line)
{
    char *rest = strchr(line, ' ');
    bool good = true;

    if (!rest)
        rest = line + strlen(line);
    if (!strncmp(line, "run ", 4)) {
        good = chip_run(strtoull(rest, NULL, 10), false);
    } else if (!strncmp(line, "until ", 6)) {
        good = chip_run(strtoull(rest, NULL, 10), true);
    } else if (!strncmp(line, "write ", 6)) {
        write_bytes(rest);
    } else if (!strncmp(line, "pin ", 4)) {
        long number = strtol(rest, &rest, 10), level = strtol(rest, &rest, 10);
        uint64_t at = strtoull(rest, NULL, 10);
        if (number >= 0 && number < 8)
            chip_drive(at > avr->cycle ? at : avr->cycle, (int)number, level != 0);
    } else if (!strncmp(line, "probe", 5)) {
        probe_begin();
    } else if (!strncmp(line, "stats", 5)) {
        probe_tell(tell_value);
    } else if (!strncmp(line, "peek ", 5)) {
        peek(rest + 1);
    }
    return good;
}

/* --- step by step ---------------------------------------------------------------------------------- */

static int step_by_step(void)
{
    static char line[COMMAND_BYTES];

    tell_end();
    while (fgets(line, sizeof line, stdin)) {
        if (!obey(line)) {
            fprintf(stderr, "the chip has stopped\n");
            return 1;
        }
        tell_end();
    }
    return 0;
}

/* --- in real time ---------------------------------------------------------------------------------- */

static uint64_t wall_clocks(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * CLOCK_HZ + (uint64_t)time.tv_nsec * CLOCKS_PER_US / 1000;
}

static int open_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), slave;
    struct termios raw;

    if (master < 0 || grantpt(master) || unlockpt(master))
        return -1;
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (slave < 0)
        return -1;
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    close(slave);
    fprintf(out, "pty %s\n", ptsname(master));
    fflush(out);
    return master;
}

static void from_terminal(int master)
{
    uint8_t bytes[MOST_WAITING];
    ssize_t n, i;

    if (line_waiting() >= MOST_WAITING)
        return;
    n = read(master, bytes, MOST_WAITING - line_waiting());
    for (i = 0; i < n; i++)
        line_write(bytes[i]);
}

static void to_terminal(int master)
{
    uint64_t at;
    int byte;

    /* A pseudo-terminal that nobody has open takes no bytes; they are gone, as on a wire. */
    while ((byte = line_read(&at)) >= 0) {
        uint8_t one = (uint8_t)byte;
        if (write(master, &one, 1) < 0 && errno == EAGAIN)
            usleep(100);
    }
}

/* Commands that have come; false at the end of standard input. */
static bool take_commands(void)
{
    static char line[COMMAND_BYTES];
    static size_t filled;
    ssize_t n = read(STDIN_FILENO, line + filled, sizeof line - filled - 1);
    char *end;

    if (n == 0)
        return false;
    if (n > 0)
        filled += (size_t)n;
    line[filled] = '\0';
    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        obey(line);
        filled -= (size_t)(end + 1 - line);
        memmove(line, end + 1, filled + 1);
    }
    return true;
}

static int in_real_time(void)
{
    int master = open_terminal();
    struct pollfd wait = {STDIN_FILENO, POLLIN, 0};
    uint64_t behind = wall_clocks() - avr->cycle;

    if (master < 0) {
        fprintf(stderr, "there is no pseudo-terminal to be had\n");
        return 1;
    }
    for (;;) {
        struct timespec nap = {0, 200000};
        uint64_t due = wall_clocks() - behind;
        if (due > avr->cycle + LONGEST_LAG_CLOCKS) {
            behind += due - avr->cycle - SLICE_CLOCKS;
            due = avr->cycle + SLICE_CLOCKS;
        }
        from_terminal(master);
        if (due > avr->cycle && !chip_run(due, false))
            return 1;
        to_terminal(master);
        fflush(out);
        if (ppoll(&wait, 1, &nap, NULL) > 0 && !take_commands())
            return 0;
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "--pty"))) {
        fprintf(stderr, "usage: chip FIRMWARE [--pty]\n");
        return 2;
    }
    /* simavr itself prints on standard output. */
    out = fdopen(dup(STDOUT_FILENO), "w");
    if (!out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return 2;
    if (!chip_begin(argv[1])) {
        fprintf(stderr, "'%s' cannot be loaded into an ATmega2560\n", argv[1]);
        return 2;
    }
    return argc == 3 ? in_real_time() : step_by_step();
}
