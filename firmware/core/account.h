/*
 * What openings cost, and what may be spent: the interlock on water, by the board's own clock.
 *
 * The board does not know what a valve gives. For up to four outputs it is told a straight line, in units of
 * the host's: an opening costs max(least, cycles * per_cycle - deducted). The minute is kept in steps of five
 * seconds: what counts is what was spent in the running step and in the twelve before it.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* A budget that is none; also what an opening costs that is beyond counting. */
#define NO_LIMIT 0xFFFFFFFFu

/* Most that a cycle can cost. */
#define DEAREST 0xFFFFu

struct price {
    uint16_t per_cycle;
    uint32_t deducted;
    uint32_t least;
};

/* Outputs that have a cost. */
extern uint16_t account_counted;

/* Units spent within the last minute, and in the session. */
extern uint32_t account_minute;
extern uint32_t account_session;

/* Nothing costs anything, nothing was spent. */
void account_reset(void);

/* Set what an opening of `output` costs; false if too many outputs would have a cost. */
bool account_set_price(uint8_t output, const struct price *price);

/* What so many cycles cost on one of account_counted. */
uint32_t account_cost(uint8_t output, uint32_t cycles);

/*
 * Allow so many units within a minute, and in the session, which may begin now. What was spent in the last
 * minute stays spent.
 */
void account_allow(uint32_t per_minute, uint32_t per_session, bool begin);

/* Whether so many more units are allowed now. */
bool account_fits(uint32_t units);

void account_spend(uint32_t units);

/* The sum, or NO_LIMIT if it is more than that. */
uint32_t account_add(uint32_t a, uint32_t b);

/* Another second of board time begins. */
void account_next_second(void);

#endif
