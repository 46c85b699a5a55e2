#include "uart.h"

#include <avr/interrupt.h>
#include <avr/io.h>

#include "hal.h"

/* With the double-speed bit, the clock is divided by 8 * (divider + 1): 1 Mbaud exactly. */
#ifndef UBRR_DIVIDER
#define UBRR_DIVIDER 1
#endif

#define ENABLED (_BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0))

/*
 * The host is promised 256 bytes of receiving ring. What is sent waits for room in its own, and events wait
 * in their queue, so that one can be smaller. Indices of the first count modulo 256 by themselves.
 */
#define SENDING_BYTES 128

uint8_t uart_received[256];
volatile uint8_t uart_received_in, uart_received_out;
volatile uint16_t uart_lost;

static uint8_t sending[SENDING_BYTES];
static volatile uint8_t sending_in, sending_out;

void uart_begin(void)
{
    UCSR0A = _BV(U2X0); /* before the divider: simavr works the speed out when that is written */
    UBRR0 = UBRR_DIVIDER;
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = ENABLED;
}

void uart_forget(void)
{
    uart_received_out = uart_received_in;
    uart_lost = 0;
}

ISR(USART0_RX_vect)
{
    uart_look(); /* perhaps an input's interrupt has been here before */
}

ISR(USART0_UDRE_vect)
{
    uint8_t out = sending_out;

    if (out == sending_in) {
        UCSR0B = ENABLED;
        return;
    }
    UDR0 = sending[out];
    sending_out = (uint8_t)(out + 1) % SENDING_BYTES;
}

bool uart_has_byte(void)
{
    return uart_received_in != uart_received_out;
}

bool uart_take(uint8_t *byte)
{
    uint8_t out = uart_received_out;

    if (out == uart_received_in)
        return false;
    *byte = uart_received[out];
    uart_received_out = (uint8_t)(out + 1);
    return true;
}

void hal_send(uint8_t byte)
{
    uint8_t next = (uint8_t)(sending_in + 1) % SENDING_BYTES;

    while (next == sending_out)
        ;
    sending[sending_in] = byte;
    sending_in = next;
    UCSR0B = ENABLED | _BV(UDRIE0);
}

uint16_t hal_room(void)
{
    return (uint8_t)(sending_out - sending_in - 1) % SENDING_BYTES;
}

bool uart_has_sent(void)
{
    return sending_in == sending_out;
}

void uart_hold(void)
{
    UCSR0B = ENABLED;
}

void uart_release(void)
{
    if (sending_in != sending_out)
        UCSR0B = ENABLED | _BV(UDRIE0);
}
