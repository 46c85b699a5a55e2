/* The serial line to the host: 1 Mbaud, 8N1, with a ring for each direction. */
#ifndef UART_H
#define UART_H

#include <avr/io.h>
#include <stdbool.h>
#include <stdint.h>

/* For uart_look alone. */
extern uint8_t uart_received[256];
extern volatile uint8_t uart_received_in, uart_received_out;

/* Bytes that found the receiving ring full. */
extern volatile uint16_t uart_lost;

/*
 * Take the byte that has come, if one has; interrupts must be off. Interrupts that come before the receiver's
 * look too: noise on an input would keep it waiting for longer than it can hold bytes.
 */
static inline void uart_look(void)
{
    uint8_t byte, in;

    if (!(UCSR0A & _BV(RXC0)))
        return;
    byte = UDR0;
    in = uart_received_in;
    if ((uint8_t)(in + 1) == uart_received_out) {
        uart_lost++;
        return;
    }
    uart_received[in] = byte;
    uart_received_in = (uint8_t)(in + 1);
}

void uart_begin(void);

/* Forget what was received, as a reset would; what is being sent goes on. */
void uart_forget(void);

/* Take the next byte that came; false if there is none. */
bool uart_take(uint8_t *byte);

/* Whether a byte waits to be taken. */
bool uart_has_byte(void);

/* Whether the last byte is in the hands of the hardware. */
bool uart_has_sent(void);

/* Keep the sending interrupt off while a cycle runs, and let it go on; interrupts must be off. */
void uart_hold(void);
void uart_release(void);

#endif
