/*
 * Which pin is what on an Arduino Mega 2560.
 *
 *   output 0-7    PA0-PA7   D22 D23 D24 D25 D26 D27 D28 D29
 *   output 8-15   PC0-PC7   D37 D36 D35 D34 D33 D32 D31 D30
 *   sync          PD7       D38
 *   input 0       PL1       D48   the timer captures its edges: stamped by hardware
 *   input 1-7     PB0-PB6   D53 D52 D51 D50 D10 D11 D12   pin change interrupt: stamped by the program
 *   lamp          PB7       D13   on while the board is talked to and not in its safe state
 *   host          PE0 PE1   D0 D1, which lead to the USB plug
 *
 * Inputs have their pull-ups on, so that an open one is quiet.
 */
#ifndef PINS_H
#define PINS_H

#include <avr/io.h>

#define OUTPUTS_LOW PORTA
#define OUTPUTS_LOW_DIRECTION DDRA
#define OUTPUTS_HIGH PORTC
#define OUTPUTS_HIGH_DIRECTION DDRC

#define SYNC_PORT PORTD
#define SYNC_DIRECTION DDRD
#define SYNC_PIN PD7

#define CAPTURE_PORT PORTL
#define CAPTURE_PINS PINL
#define CAPTURE_PIN PL1

#define CHANGE_PORT PORTB
#define CHANGE_PINS PINB
#define CHANGE_MASK 0x7F
#define CHANGE_FIRST_LINE 1

#define LAMP_PORT PORTB
#define LAMP_DIRECTION DDRB
#define LAMP_PIN PB7

#endif
