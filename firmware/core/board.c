#include "board.h"

#include "account.h"
#include "bits.h"
#include "compiler.h"
#include "events.h"
#include "hal.h"
#include "machine.h"
#include "pulses.h"
#include "sync.h"

/* Looking once in 30 hours keeps every due cycle within half the range of a 32-bit cycle number. */
#define LONGEST_WAIT ((uint32_t)1 << 30)

uint32_t board_due;
bool board_beat;
uint32_t board_beat_second;

static struct table slots[MAX_SLOTS];
static uint8_t slot; /* the one that runs, or MAX_SLOTS */
static bool starting;
static uint32_t start_cycle;

static uint16_t levels; /* what the pins show */
static uint16_t held;   /* outputs of the running state */
static bool safe;

static bool latching; /* something from outside waits for latch_cycle */
static uint32_t latch_cycle;
static struct outside latched;

static uint32_t not_run; /* the first cycle that has not run */

static bool watching; /* over the host */
static uint32_t host_seen;
static uint32_t host_cycles;

/*
 * The first of what comes seldom: the next second, the host's deadline, the sync line's next edge. Kept,
 * so that a cycle in which a table moves has one number to look at and not three.
 */
static uint32_t chore_due;

/* --- time -------------------------------------------------------------------------------------- */

static bool cycle_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* The first cycle at or after now that has not run yet. */
static uint32_t next_cycle(void)
{
    uint32_t cycle = now.cycle + (now.us > 0);

    if (cycle_before(cycle, not_run))
        cycle = not_run;
    if (machine_running() && cycle == now.cycle)
        cycle++;
    return cycle;
}

static uint32_t nearer(uint32_t cycle, uint32_t most)
{
    return cycle - now.cycle < most ? cycle - now.cycle : most;
}

static uint32_t host_due(void)
{
    return host_seen + host_cycles + 1;
}

static void reschedule(void)
{
    uint32_t wait = nearer(chore_due, LONGEST_WAIT);

    wait = machine_wait(now.cycle, wait);
    wait = pulses_wait(now.cycle, wait);
    if (starting)
        wait = nearer(start_cycle, wait);
    if (latching)
        wait = nearer(latch_cycle, wait);
    board_due = now.cycle + wait;
}

static void find_next_chore(void)
{
    uint32_t wait = sync_wait(now.cycle, nearer(clock_second_ends(), LONGEST_WAIT));

    if (watching)
        wait = nearer(host_due(), wait);
    chore_due = now.cycle + wait;
}

static void reschedule_all(void)
{
    find_next_chore();
    reschedule();
}

/* --- outputs ----------------------------------------------------------------------------------- */

/*
 * Find out what the outputs are now; return what changed. A line is on while its state or a pulse holds it;
 * one that has a cost opens by pulses only.
 */
static uint16_t find_levels(void)
{
    uint16_t before = levels;

    levels = (held & (uint16_t)~account_counted) | pulses_on;
    return levels ^ before;
}

/* Note an event for each bit of a mask of outputs, by ascending line. */
static void push_each(uint16_t outputs, bool refused)
{
    uint16_t on = levels;
    uint8_t output;

    for (output = 0; outputs; output++, outputs >>= 1, on >>= 1) {
        if (!(outputs & 1))
            continue;
        if (refused)
            events_push(EVENT_PULSE_REFUSED, output);
        else
            events_push(on & 1 ? EVENT_OUTPUT_ON : EVENT_OUTPUT_OFF, output);
    }
}

/* --- one cycle --------------------------------------------------------------------------------- */

static void leave_table(void)
{
    machine_stop();
    slot = MAX_SLOTS;
    starting = latching = false;
    latched.bits[0] = latched.bits[1] = latched.bits[2] = 0;
    held = 0;
}

static void push_refused(void)
{
    uint8_t from = 0, output;

    while (machine_refused(&from, &output))
        events_push(EVENT_PULSE_REFUSED, output);
}

static void push_soft(uint8_t soft)
{
    uint8_t number;

    for (number = 1; soft; number++, soft >>= 1)
        if (soft & 1)
            events_push(EVENT_SOFT, number);
}

/* What the table did in a cycle; its events wait until the pins are driven. */
struct step {
    bool began;
    uint8_t soft;  /* soft events that were seen */
    uint8_t slot;  /* in which it began */
    uint8_t entry; /* the state entered, EXIT or STAY */
};

static struct step step_table(void)
{
    struct step step = {false, 0, slot, STAY};
    struct outside outside = {{0, 0, 0}};
    bool heard = false;

    if (starting && start_cycle == now.cycle) {
        starting = false;
        step.began = true;
        machine_start(&slots[slot], now.cycle);
        step.entry = 0;
        return step;
    }
    if (latching && latch_cycle == now.cycle) {
        outside = latched;
        step.soft = latched.bits[2];
        latching = false;
        latched.bits[0] = latched.bits[1] = latched.bits[2] = 0;
        heard = true;
    }
    if (heard || machine_is_due(now.cycle))
        step.entry = machine_step(now.cycle, &outside);
    return step;
}

/* The line is told at the end of the cycle before its edge, so that the edge comes when it says. */
static void run_sync(void)
{
    if (sync_is_due(now.cycle)) {
        sync_toggle();
        events_push(sync_level ? EVENT_SYNC_RISE : EVENT_SYNC_FALL, 0);
    }
    if (sync_is_next(now.cycle))
        hal_sync(!sync_level);
}

static void push_entry(const struct step *step)
{
    if (step->soft)
        push_soft(step->soft);
    if (step->began)
        events_push(EVENT_TRIAL_START, step->slot);
    if (step->entry == EXIT || step->entry == STAY)
        return;
    events_push(EVENT_STATE, step->entry);
    push_refused();
}

/* The table wants more than it may have. Nothing of what it asked for in this cycle has reached a pin. */
static APART void stop_table(struct step *step)
{
    uint16_t unpaid = held & account_counted;

    push_entry(step);
    if (unpaid)
        push_each((uint16_t)(unpaid & -unpaid), true); /* the first of them */
    board_abort(END_BUDGET);
    step->soft = 0;
    step->began = false;
    step->entry = STAY;
}

static void run_cycle(void)
{
    struct step step = {false, 0, 0, STAY};
    uint16_t changed, asked_refused, to_pay;

    not_run = now.cycle + 1;
    if (slot < MAX_SLOTS)
        step = step_table();
    if (step.entry == EXIT) {
        leave_table();
    } else if (step.entry != STAY) {
        held = machine_outputs();
        if (machine_is_too_dear())
            stop_table(&step);
    }
    asked_refused = pulses_begin_asked(now.cycle);
    to_pay = pulses_end_due(now.cycle);
    changed = find_levels();
    if (changed)
        hal_outputs(levels);

    if (to_pay)
        pulses_pay(to_pay, now.cycle);
    push_entry(&step);
    if (asked_refused)
        push_each(asked_refused, true);
    if (changed)
        push_each(changed, false);
    if (step.entry == EXIT)
        events_push(EVENT_TRIAL_END, END_COMPLETE);
}

static void begin_second(void)
{
    clock_next_second();
    account_next_second();
    board_beat = true;
    board_beat_second = clock_second;
}

/* What is due in a cycle besides the table and the pulses; the cycle has run. */
static APART void do_chores(void)
{
    run_sync();
    if (watching && host_due() == now.cycle)
        board_abort(END_HOST_LOST);
    find_next_chore();
}

/* Run all that is due up to a cycle, which is one thing at least. */
static APART void run_due(uint32_t cycle)
{
    do {
        struct moment due = {board_due, 0};
        bool is_chore = due.cycle == chore_due;
        clock_set(due);
        if (is_chore && due.cycle == clock_second_ends())
            begin_second();
        run_cycle(); /* its one caller, so that it becomes a part of this function */
        if (is_chore)
            do_chores();
        reschedule();
    } while (!cycle_before(cycle, board_due));
}

/* Mostly nothing is due: then this is quick. */
void board_advance(struct moment to)
{
    if (!cycle_before(to.cycle, board_due))
        run_due(to.cycle);
    clock_set(to);
}

/* --- what it is told --------------------------------------------------------------------------- */

static void latch(uint8_t byte, uint8_t bits)
{
    latched.bits[byte] |= bits;
    if (latching)
        return;
    latching = true;
    latch_cycle = next_cycle();
    /* A soft event between the request of a start and the start is seen in the cycle after it. */
    if (starting && cycle_before(latch_cycle, start_cycle + 1))
        latch_cycle = start_cycle + 1;
    if (cycle_before(latch_cycle, board_due))
        board_due = latch_cycle; /* all that reschedule would find: edges must be quick */
}

void board_edge(uint8_t line, bool rising)
{
    uint8_t code = (uint8_t)(CODE_INPUT + 2 * line + rising);

    events_push(rising ? EVENT_INPUT_RISE : EVENT_INPUT_FALL, line);
    if (machine_running())
        latch(code >> 3, bit8(code));
}

void board_soft(uint8_t number)
{
    if (slot < MAX_SLOTS)
        latch(CODE_SOFT >> 3, bit8((uint8_t)(number - 1)));
}

struct refusal board_load(uint32_t number, const uint8_t *image, uint16_t length)
{
    struct refusal why = {REFUSED_NOT, NO_STATE, 0};

    if (number >= MAX_SLOTS) {
        why.code = REFUSED_SLOT;
        why.detail = number < 255 ? (uint8_t)number : 255;
    } else if (number == slot) {
        why.code = REFUSED_BUSY;
        why.detail = (uint8_t)number;
    } else {
        why = image_check(image, length, pulses_max_open_us);
    }
    if (why.code == REFUSED_NOT)
        table_fill(&slots[number], image, length);
    return why;
}

uint8_t board_slot(void)
{
    return slot;
}

bool board_start(uint8_t number)
{
    if (safe || slot < MAX_SLOTS || number >= MAX_SLOTS || !slots[number].filled)
        return false;
    slot = number;
    starting = true;
    start_cycle = next_cycle();
    reschedule();
    return true;
}

void board_abort(uint8_t reason)
{
    bool ended = slot < MAX_SLOTS, began = starting;
    uint8_t ended_slot = slot;
    uint16_t changed;

    leave_table();
    pulses_clear(now.cycle + (now.us > 0));
    changed = find_levels();
    hal_outputs_now(levels);

    if (began)
        events_push(EVENT_TRIAL_START, ended_slot);
    push_each(changed, false);
    if (ended)
        events_push(EVENT_TRIAL_END, reason);
    if (reason >= END_HOST_LOST && !safe) {
        safe = true;
        events_push(EVENT_SAFE, reason);
    }
    if (safe)
        watching = false; /* until it is armed there is nothing to watch for */
    not_run = now.cycle + 1;
    reschedule_all();
}

void board_pulse(uint8_t output, uint32_t duration_us)
{
    if (safe || !pulses_ask(output, duration_us, next_cycle()))
        events_push(EVENT_PULSE_REFUSED, output);
    else
        reschedule();
}

bool board_cost(uint8_t output, const struct price *price)
{
    bool done = account_set_price(output, price);
    uint16_t changed = find_levels(); /* a state can no longer hold it */

    if (changed)
        hal_outputs_now(levels);
    push_each(changed, false);
    return done;
}

void board_sync(uint32_t seed)
{
    hal_sync_now(false);
    if (sync_level)
        events_push(EVENT_SYNC_FALL, 0);
    sync_begin(seed, next_cycle());
    reschedule_all();
}

void board_arm(void)
{
    safe = false;
    if (host_cycles) {
        watching = true;
        host_seen = now.cycle;
        reschedule_all();
    }
}

bool board_is_safe(void)
{
    return safe;
}

void board_host_alive(uint16_t timeout_ms)
{
    host_seen = now.cycle;
    host_cycles = (uint32_t)timeout_ms * CYCLES_PER_MS;
    watching = !safe;
    reschedule_all();
}

void board_host_timeout(uint16_t timeout_ms)
{
    if (!host_cycles)
        return; /* the host has not shown itself yet */
    host_cycles = (uint32_t)timeout_ms * CYCLES_PER_MS;
    /* One that is silent for longer than that already is lost in the next cycle. */
    if (watching && !cycle_before(now.cycle, host_due()))
        host_seen = next_cycle() - 1 - host_cycles;
    reschedule_all();
}

void board_reset(void)
{
    uint8_t number;

    for (number = 0; number < MAX_SLOTS; number++)
        slots[number].filled = false;
    clock_reset();
    leave_table();
    account_reset();
    pulses_reset();
    sync_begin(0, 0);
    safe = watching = board_beat = false;
    host_cycles = 0;
    not_run = 0;
    levels = 0;
    hal_outputs_now(0);
    hal_sync_now(false);
    reschedule_all();
}
