#include "account.h"

#include "bits.h"

#define PRICES 4
#define STEP_SECONDS 5
#define STEPS 13 /* the running one and the twelve before it */
#define LONGEST_CYCLES 0xFFFFu
#define NOBODY 0xFF

uint16_t account_counted;
uint32_t account_minute;
uint32_t account_session;

static struct price prices[PRICES];
static uint8_t price_of[PRICES]; /* which output's it is, or NOBODY */

static uint32_t steps[STEPS]; /* account_minute is their sum */
static uint8_t step; /* the running one */
static uint8_t seconds; /* of it that have begun */
static uint32_t minute_limit, session_limit;

/* What may still be spent: an opening is compared with one number and not with four. */
static uint32_t left;
static bool overspent; /* of a budget that became less: not even an opening that costs nothing */

/* --- what is left ------------------------------------------------------------------------------ */

static void take_off(uint32_t limit, uint32_t spent)
{
    if (limit == NO_LIMIT)
        return;
    if (spent > limit)
        overspent = true;
    else if (limit - spent < left)
        left = limit - spent;
}

static void find_left(void)
{
    left = NO_LIMIT;
    overspent = false;
    take_off(minute_limit, account_minute);
    take_off(session_limit, account_session);
}

void account_reset(void)
{
    uint8_t n;

    account_counted = 0;
    account_minute = account_session = 0;
    minute_limit = session_limit = NO_LIMIT;
    step = seconds = 0;
    for (n = 0; n < PRICES; n++)
        price_of[n] = NOBODY;
    for (n = 0; n < STEPS; n++)
        steps[n] = 0;
    find_left();
}

/* --- prices ------------------------------------------------------------------------------------ */

static uint8_t find(uint8_t output)
{
    uint8_t n;

    for (n = 0; n < PRICES && price_of[n] != output; n++)
        ;
    return n;
}

bool account_set_price(uint8_t output, const struct price *price)
{
    uint8_t n = find(output);

    if (!price->per_cycle && !price->least) {
        if (n < PRICES)
            price_of[n] = NOBODY;
        account_counted &= (uint16_t)~bit16(output);
        return true;
    }
    if (n == PRICES)
        n = find(NOBODY);
    if (n == PRICES)
        return false;
    price_of[n] = output;
    prices[n] = *price;
    account_counted |= bit16(output);
    return true;
}

uint32_t account_add(uint32_t a, uint32_t b)
{
    return a > NO_LIMIT - b ? NO_LIMIT : a + b;
}

uint32_t account_cost(uint8_t output, uint32_t cycles)
{
    const struct price *price;
    uint32_t cost;

    if (!cycles)
        return 0;
    if (cycles > LONGEST_CYCLES)
        return NO_LIMIT;
    price = &prices[find(output)];
    cost = (uint32_t)(uint16_t)cycles * price->per_cycle;
    cost = cost > price->deducted ? cost - price->deducted : 0;
    return cost > price->least ? cost : price->least;
}

/* --- spending ---------------------------------------------------------------------------------- */

void account_allow(uint32_t per_minute, uint32_t per_session, bool begin)
{
    minute_limit = per_minute;
    session_limit = per_session;
    if (begin)
        account_session = 0;
    find_left();
}

bool account_fits(uint32_t units)
{
    return units <= left && !overspent;
}

void account_spend(uint32_t units)
{
    steps[step] = account_add(steps[step], units);
    account_minute = account_add(account_minute, units);
    account_session = account_add(account_session, units);
    find_left();
}

/* The step after the running one is the oldest, and counts no more. */
static void next_step(void)
{
    uint32_t oldest;
    uint8_t n;

    step = (uint8_t)(step + 1 < STEPS ? step + 1 : 0);
    oldest = steps[step];
    steps[step] = 0;
    if (account_minute != NO_LIMIT) {
        account_minute -= oldest;
        return;
    }
    /* The sum may have been more than that: add up what is left. */
    account_minute = 0;
    for (n = 0; n < STEPS; n++)
        account_minute = account_add(account_minute, steps[n]);
}

void account_next_second(void)
{
    if (++seconds < STEP_SECONDS)
        return;
    seconds = 0;
    next_step();
    find_left();
}
