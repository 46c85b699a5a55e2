/* The chip, its pins and its clock. */
#include "chip.h"

#include <gelf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sim_hex.h>

#define PERIOD_CLOCKS 1600
#define QUIET_CLOCKS 48   /* the firmware writes a whole event in fewer */
#define RESET_CLOCKS 8000 /* and both bytes of a number, whatever interrupts it between them */
#define LONGEST_NAP 1600

#define DATA_SEGMENT 0x800000

/* Which pin an input line is (avr/pins.h). */
static const struct {
    char port;
    int pin;
} inputs[8] = {{'L', 1}, {'B', 0}, {'B', 1}, {'B', 2}, {'B', 3}, {'B', 4}, {'B', 5}, {'B', 6}};

#define SYNC_PIN 7

avr_t *avr;
avr_uart_t *uart;
avr_timer_t *timer;

static const char *elf_file;
static uint64_t origin = NEVER;

static const uint8_t *seq_at, *ring_at;
static uint16_t seq, seen;
static uint64_t seq_changed;

static uint16_t levels;
static bool sync_level;

struct drive {
    uint64_t at;
    int line;
    bool high;
};

static struct drive *drives;
static size_t drives_in, drives_out, drives_size;

/* --- the firmware's file --------------------------------------------------------------------------- */

const uint8_t *chip_memory(const char *symbol)
{
    const uint8_t *found = NULL;
    int file = elf_file ? open(elf_file, O_RDONLY) : -1;
    Elf *elf;
    Elf_Scn *section = NULL;
    GElf_Shdr header;

    if (file < 0 || elf_version(EV_CURRENT) == EV_NONE)
        return NULL;
    elf = elf_begin(file, ELF_C_READ, NULL);
    while (elf && !found && (section = elf_nextscn(elf, section))) {
        Elf_Data *data;
        size_t n;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
            continue;
        data = elf_getdata(section, NULL);
        for (n = 0; !found && n < header.sh_size / header.sh_entsize; n++) {
            GElf_Sym sym;
            const char *name;
            gelf_getsym(data, (int)n, &sym);
            name = elf_strptr(elf, header.sh_link, sym.st_name);
            if (name && !strcmp(name, symbol) && sym.st_value >= DATA_SEGMENT)
                found = avr->data + (sym.st_value - DATA_SEGMENT);
        }
    }
    elf_end(elf);
    close(file);
    return found;
}

static bool load(const char *file)
{
    elf_firmware_t firmware;
    size_t length = strlen(file);

    memset(&firmware, 0, sizeof firmware);
    if (length > 4 && !strcmp(file + length - 4, ".hex")) {
        uint32_t size, base;
        uint8_t *code = read_ihex_file(file, &size, &base);
        if (!code)
            return false;
        avr_loadcode(avr, code, size, base);
        avr->pc = base;
        avr->codeend = size + base;
        free(code);
    } else {
        if (elf_read_firmware(file, &firmware))
            return false;
        avr_load_firmware(avr, &firmware);
        elf_file = file;
    }
    avr->frequency = CLOCK_HZ;
    return true;
}

/* --- pins ------------------------------------------------------------------------------------------ */

static void set_pin(int line, bool high)
{
    static struct {
        uint8_t mask, value;
    } outside[26];
    char port = inputs[line].port;
    uint8_t bit = (uint8_t)(1 << inputs[line].pin);
    avr_ioport_external_t external;

    /* What is wired to a pin is stronger than its pull-up, whenever the port is written. */
    outside[port - 'A'].mask |= bit;
    outside[port - 'A'].value = (uint8_t)((outside[port - 'A'].value & ~bit) | (high ? bit : 0));
    external.name = (unsigned char)port;
    external.mask = outside[port - 'A'].mask;
    external.value = outside[port - 'A'].value;
    avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL(port), &external);
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), inputs[line].pin), high);
}

static avr_cycle_count_t drive_due(avr_t *chip, avr_cycle_count_t when, void *param)
{
    (void)when;
    (void)param;
    /* In the very clock in which the timer begins anew, simavr would capture 1600: the timer comes first. */
    if (timer->tov_cycles && chip->cycle >= timer->tov_base + timer->tov_cycles)
        return chip->cycle + 1;
    while (drives_out < drives_in && drives[drives_out].at <= chip->cycle) {
        set_pin(drives[drives_out].line, drives[drives_out].high);
        drives_out++;
    }
    return drives_out < drives_in ? drives[drives_out].at : 0;
}

void chip_drive(uint64_t at, int line, bool high)
{
    bool idle = drives_out == drives_in;

    if (idle)
        drives_out = drives_in = 0;
    if (drives_in == drives_size) {
        drives_size = drives_size ? 2 * drives_size : 64;
        drives = realloc(drives, drives_size * sizeof *drives);
        if (!drives)
            abort();
    }
    drives[drives_in].at = at;
    drives[drives_in].line = line;
    drives[drives_in++].high = high;
    if (idle)
        avr_cycle_timer_register(avr, at > avr->cycle ? at - avr->cycle : 0, drive_due, NULL);
}

static void port_written(struct avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq;
    switch ((int)(intptr_t)param) {
    case 'A': levels = (uint16_t)((levels & 0xFF00) | value); break;
    case 'C': levels = (uint16_t)((levels & 0x00FF) | value << 8); break;
    default: sync_level = value >> SYNC_PIN & 1; break;
    }
    told_pins(avr->cycle, levels, sync_level);
}

static void watch_port(char port)
{
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), IOPORT_IRQ_REG_PORT),
                            port_written, (void *)(intptr_t)port);
}

/* --- the timer's flags ------------------------------------------------------------------------------ */

static bool compare_waited; /* before the instruction that runs */

static void flags_written(struct avr_t *chip, avr_io_addr_t address, uint8_t value, void *param)
{
    avr_int_vector_t *compare = &timer->comp[AVR_TIMER_COMPA].interrupt;

    (void)address;
    (void)param;
    if (compare_waited && !(value >> compare->raised.bit & 1))
        avr_raise_interrupt(chip, compare);
}

/* --- running --------------------------------------------------------------------------------------- */

static avr_cycle_count_t stop_here(avr_t *chip, avr_cycle_count_t when, void *param)
{
    (void)chip;
    (void)when;
    (void)param;
    return 0; /* a timer that is due wakes a sleeping chip, and with it the loop below */
}

static void no_sleep(avr_t *chip, avr_cycle_count_t clocks)
{
    (void)chip;
    (void)clocks;
}

/* Tell the events that the board has noted since the last look; whether there was one. */
static bool look_at_events(void)
{
    uint16_t there = (uint16_t)(seq_at[0] | seq_at[1] << 8);
    bool any = false;

    if (there != seq) {
        seq = there;
        seq_changed = avr->cycle;
    }
    if (seq == seen || avr->cycle < seq_changed + QUIET_CLOCKS)
        return false;
    if ((uint16_t)(seq - seen) > EVENTS_KEPT) {
        if (avr->cycle >= seq_changed + RESET_CLOCKS)
            seen = seq; /* the board began anew */
        return false;
    }
    for (; seen != seq; seen++, any = true)
        told_event(avr->cycle, seen, ring_at + seen % EVENTS_KEPT * EVENT_BYTES);
    return any;
}

uint64_t chip_origin(void)
{
    return origin;
}

bool chip_run(uint64_t until, bool stop_at_event)
{
    if (until > avr->cycle)
        avr_cycle_timer_register(avr, until - avr->cycle, stop_here, NULL);
    while (avr->cycle < until) {
        uint64_t before = avr->cycle;
        int state;
        compare_waited = avr_regbit_get(avr, timer->comp[AVR_TIMER_COMPA].interrupt.raised);
        state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed)
            return false;
        line_tend();
        probe_tend(before);
        if (origin == NEVER && timer->tov_cycles == PERIOD_CLOCKS)
            origin = timer->tov_base;
        if (seq_at && look_at_events() && stop_at_event)
            break;
    }
    avr_cycle_timer_cancel(avr, stop_here, NULL);
    return true;
}

static void find_modules(void)
{
    avr_io_t *io;

    for (io = avr->io_port; io; io = io->next) {
        if (!strcmp(io->kind, "uart") && ((avr_uart_t *)io)->name == '0')
            uart = (avr_uart_t *)io;
        if (!strcmp(io->kind, "timer") && ((avr_timer_t *)io)->name == '5')
            timer = (avr_timer_t *)io;
    }
}

bool chip_begin(const char *file)
{
    int line;

    avr = avr_make_mcu_by_name("atmega2560");
    if (!avr || avr_init(avr) || !load(file))
        return false;
    avr->sleep = no_sleep;
    avr->log = LOG_NONE;
    find_modules();
    if (!uart || !timer)
        return false;
    line_begin();
    avr_register_io_write(avr, timer->icr.raised.reg, flags_written, NULL);
    watch_port('A');
    watch_port('C');
    watch_port('D');
    for (line = 0; line < 8; line++)
        set_pin(line, false);
    seq_at = chip_memory("events_seq");
    ring_at = chip_memory("events_ring");
    if (!ring_at)
        seq_at = NULL;
    return true;
}
