#include "clock.h"

#define HARP_TICK_SHIFT 5 /* 32 us */

struct moment now;
uint32_t clock_harp_second;
uint16_t clock_in_second;
uint32_t clock_second;
uint32_t clock_second_began;

void clock_reset(void)
{
    now.cycle = 0;
    now.us = 0;
    clock_in_second = 0;
    clock_second = clock_harp_second = 0;
    clock_second_began = 0;
}

void clock_next_second(void)
{
    clock_second++;
    clock_harp_second++;
    clock_second_began = now.cycle;
    clock_in_second = 0;
}

uint32_t tick_of(uint32_t cycle, uint8_t us)
{
    return cycle * CYCLE_US + us;
}

uint16_t harp_ticks(uint16_t cycles, uint8_t us)
{
    return (uint16_t)(((uint32_t)cycles * CYCLE_US + us) >> HARP_TICK_SHIFT);
}

struct harp_time harp_now(void)
{
    struct harp_time time;
    time.seconds = clock_harp_second;
    time.ticks = harp_ticks(clock_in_second, now.us);
    return time;
}

struct harp_time harp_of_second(uint32_t second)
{
    struct harp_time time;
    time.seconds = second + (clock_harp_second - clock_second);
    time.ticks = 0;
    return time;
}

void harp_set(uint32_t seconds)
{
    clock_harp_second = seconds;
}

bool is_before(struct moment a, struct moment b)
{
    if (a.cycle == b.cycle)
        return a.us < b.us;
    return (int32_t)(a.cycle - b.cycle) < 0;
}
