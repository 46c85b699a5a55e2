/* Tables that stay in program memory. An AVR needs its own instruction to read them there. */
#ifndef ROM_H
#define ROM_H

#ifdef __AVR__
#include <avr/pgmspace.h>
#define ROM PROGMEM
#define rom_u8(at) pgm_read_byte(at)
#define rom_u16(at) pgm_read_word(at)
#define rom_u32(at) pgm_read_dword(at)
#define rom_copy(to, from, size) memcpy_P(to, from, size)
#else
#include <string.h>
#define ROM
#define rom_u8(at) (*(at))
#define rom_u16(at) (*(at))
#define rom_u32(at) (*(at))
#define rom_copy(to, from, size) memcpy(to, from, size)
#endif

#endif
