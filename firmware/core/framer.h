/*
 * Bytes in, whole frames out.
 *
 * A frame has no start mark that cannot occur inside it; only its header's few legal values and an
 * 8-bit checksum tell it from noise. So every place is tried: a header that is none is passed by one
 * byte, and so is a frame whose checksum fails, because the real frame may lie inside it. What remains
 * is a false header that promises more bytes than are there. It is settled once 257 bytes have come
 * (no frame is longer); and after 10 ms without a byte the framer looks behind it. A good frame found
 * there wins, and what stood before it was noise. A partial frame with nothing good behind it is kept
 * for a second, since USB bridges split good frames, and then given up.
 */
#ifndef FRAMER_H
#define FRAMER_H

#include <stdint.h>

#define FRAMER_IDLE_MS 10
#define FRAMER_GIVE_UP_MS 1000

void framer_reset(void);

/* How many bytes can be put now; at least one unless a frame waits. */
uint16_t framer_space(void);

/* Add a byte as it came (lost if there is no space); look for frames when there are no more for now. */
void framer_put(uint8_t byte);

/*
 * Find the next frame; return its size and where it lies, or 0. It stays there until framer_drop,
 * which must be called before the next byte is put.
 */
uint16_t framer_find(const uint8_t **frame);
void framer_drop(void);

/* Bytes that wait for the rest of their frame. */
uint16_t framer_pending(void);

/* No byte has come for 10 ms: look behind a partial frame. Then call framer_find. */
void framer_idle(void);

/* No byte has come for a second: a partial frame is noise. */
void framer_give_up(void);

#endif
