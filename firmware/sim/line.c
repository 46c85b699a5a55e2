/* The serial line between host and chip, and the chip's receiver. */
#include "chip.h"

#include <stdlib.h>

#define BITS_PER_BYTE 10 /* 8N1 */
#define RECEIVER_BYTES 3 /* two in its buffer, one in the shift register */

DEFINE_FIFO(uint16_t, uart_fifo);

struct queue {
    uint8_t *bytes;
    uint64_t *at;
    size_t in, out, size;
};

static struct queue to_chip, held, to_host;
static uint64_t busy_until, sending_until;

unsigned line_overruns, line_deepest;

static void push(struct queue *queue, uint64_t at, uint8_t byte)
{
    if (queue->out == queue->in)
        queue->out = queue->in = 0;
    if (queue->in == queue->size) {
        queue->size = queue->size ? 2 * queue->size : 256;
        queue->bytes = realloc(queue->bytes, queue->size);
        queue->at = realloc(queue->at, queue->size * sizeof *queue->at);
        if (!queue->bytes || !queue->at)
            abort();
    }
    queue->at[queue->in] = at;
    queue->bytes[queue->in++] = byte;
}

static uint64_t byte_clocks(void)
{
    unsigned divider = avr_regbit_get(avr, uart->ubrrl) | avr_regbit_get(avr, uart->ubrrh) << 8;

    return (avr_regbit_get(avr, uart->u2x) ? 8u : 16u) * (divider + 1) * BITS_PER_BYTE;
}

/* A byte's last bit has come. */
static avr_cycle_count_t arrive(avr_t *chip, avr_cycle_count_t when, void *param)
{
    size_t unread = held.in - held.out + !uart_fifo_isempty(&uart->input);

    (void)param;
    if (!avr_regbit_get(chip, uart->rxen)) {
        to_chip.out++; /* nobody listens yet */
    } else if (unread == RECEIVER_BYTES) {
        to_chip.out++;
        line_overruns++;
    } else {
        push(&held, when, to_chip.bytes[to_chip.out++]);
        if (unread + 1 > line_deepest)
            line_deepest = (unsigned)unread + 1;
    }
    line_tend();
    return to_chip.out < to_chip.in ? to_chip.at[to_chip.out] : 0;
}

void line_tend(void)
{
    if (held.out == held.in || !uart_fifo_isempty(&uart->input))
        return;
    uart_fifo_write(&uart->input, held.bytes[held.out++]);
    uart->rxc_raise_time = avr->cycle;
    uart->rx_cnt = 0;
    avr_raise_interrupt(avr, &uart->rxc);
}

void line_write(uint8_t byte)
{
    uint64_t clocks = byte_clocks();
    bool idle = to_chip.out == to_chip.in;

    if (busy_until < avr->cycle)
        busy_until = avr->cycle;
    busy_until += clocks;
    push(&to_chip, busy_until, byte);
    if (idle)
        avr_cycle_timer_register(avr, busy_until - avr->cycle, arrive, NULL);
}

size_t line_waiting(void)
{
    return to_chip.in - to_chip.out;
}

/* The firmware writes the data register: the byte goes out behind the one that is being sent. */
static void sent(struct avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq;
    (void)param;
    uart->cycles_per_byte = byte_clocks();
    if (sending_until < avr->cycle)
        sending_until = avr->cycle;
    sending_until += uart->cycles_per_byte;
    push(&to_host, sending_until, (uint8_t)value);
}

int line_read(uint64_t *at)
{
    if (to_host.out == to_host.in || to_host.at[to_host.out] > avr->cycle)
        return -1;
    *at = to_host.at[to_host.out];
    return to_host.bytes[to_host.out++];
}

void line_begin(void)
{
    uint32_t flags = 0; /* neither sleep when it polls nor print what it sends */

    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), sent, NULL);
}
