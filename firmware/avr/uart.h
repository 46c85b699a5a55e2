/* The serial line to the host: 1 Mbaud, 8N1, with a ring for each direction. */
#ifndef UART_H
#define UART_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes that found the receiving ring full. */
extern volatile uint16_t uart_lost;

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
