/* What the firmware costs: interrupts, sleep, stack. Nothing here changes what the chip does. */
#include "chip.h"

#include <stdio.h>

#define VECTORS 57
#define STACK_LOW 0x5D /* SPL; SPH follows */

#define DEEPEST 16

struct vector {
    uint64_t calls, own, longest, longest_own;
};

/* An interrupt that runs; it may be interrupted, even by its own kind. */
struct call {
    int number;
    uint64_t began;
    uint64_t inner; /* clocks in interrupts that came into it */
};

static struct vector vectors[VECTORS];
static struct call running[DEEPEST]; /* innermost last */
static int depth;
static uint64_t began, slept, off_since, longest_off;
static unsigned lowest_stack = 0xFFFF;

static void running_changed(struct avr_irq_t *irq, uint32_t value, void *param)
{
    int number = (int)(intptr_t)param;
    struct vector *vector = &vectors[number];
    struct call *call = &running[depth];
    uint64_t took, own;

    (void)irq;
    if (value && depth < DEEPEST) {
        call->number = number;
        call->began = avr->cycle;
        call->inner = 0;
        depth++;
    }
    if (value || !depth || running[depth - 1].number != number)
        return;
    call = &running[--depth];
    took = avr->cycle - call->began;
    own = took - call->inner;
    vector->calls++;
    vector->own += own;
    if (took > vector->longest)
        vector->longest = took;
    if (own > vector->longest_own)
        vector->longest_own = own;
    if (depth)
        running[depth - 1].inner += took;
}

void probe_begin(void)
{
    static bool watching;
    int number;

    for (number = 1; number < VECTORS; number++) {
        struct vector none = {0, 0, 0, 0};
        avr_irq_t *irq = avr_get_interrupt_irq(avr, (uint8_t)number);
        vectors[number] = none;
        if (irq && !watching)
            avr_irq_register_notify(irq + AVR_INT_IRQ_RUNNING, running_changed, (void *)(intptr_t)number);
    }
    watching = true;
    began = avr->cycle;
    slept = longest_off = 0;
    off_since = NEVER;
    lowest_stack = 0xFFFF;
    line_overruns = line_deepest = 0;
}

/*
 * A function with a frame writes the pointer's two bytes one after the other: between them it points
 * anywhere, for two instructions. Where it stays for longer, it is meant.
 */
static void look_at_stack(unsigned stack)
{
    static unsigned last, stayed;

    stayed = stack == last ? stayed + 1 : 0;
    last = stack;
    if (stayed >= 3 && stack < lowest_stack)
        lowest_stack = stack;
}

void probe_tend(uint64_t before)
{
    look_at_stack((unsigned)(avr->data[STACK_LOW] | avr->data[STACK_LOW + 1] << 8));
    if (avr->state == cpu_Sleeping)
        slept += avr->cycle - before;
    if (avr->sreg[S_I]) {
        if (off_since != NEVER && avr->cycle - off_since > longest_off)
            longest_off = avr->cycle - off_since;
        off_since = NEVER;
    } else if (off_since == NEVER) {
        off_since = before;
    }
}

void probe_tell(void (*tell)(const char *name, unsigned long long value))
{
    char name[32];
    int number;

    tell("clocks", avr->cycle - began);
    tell("slept", slept);
    tell("longest_off", longest_off);
    tell("lowest_stack", lowest_stack);
    tell("overruns", line_overruns);
    tell("deepest", line_deepest);
    for (number = 1; number < VECTORS; number++) {
        const struct vector *vector = &vectors[number];
        if (!vector->calls)
            continue;
        snprintf(name, sizeof name, "calls_%d", number);
        tell(name, vector->calls);
        snprintf(name, sizeof name, "own_%d", number);
        tell(name, vector->own);
        snprintf(name, sizeof name, "longest_%d", number);
        tell(name, vector->longest);
        snprintf(name, sizeof name, "longest_own_%d", number);
        tell(name, vector->longest_own);
    }
}
