/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that a leg presses towards its remote, one after the other: as telephone events (RFC 4733), or as tones where the
 * remote has none. While a key is down nothing else goes out.
 */
#ifndef SWITCHROOM_KEYPAD_H
#define SWITCHROOM_KEYPAD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/dtmf.h"
#include "wire.h"

#define SR_KEYPAD_PRESSES 64
#define SR_KEYPAD_UPDATE_MS 20   /* between two packets of an event */
#define SR_KEYPAD_ENDS 3         /* RFC 4733 section 2.5.1.4 */
#define SR_KEYPAD_DBM0 -9.0f     /* of each tone; ITU-T Q.23 leaves it to the network */

typedef struct sr_press {
    char digit;                  /* 0-9 * # A-D; a space is a pause */
    uint16_t on_ms, off_ms;
} sr_press;

typedef struct sr_keypad {
    sr_press presses[SR_KEYPAD_PRESSES];
    uint8_t first, count;
    uint8_t ends;                /* end packets that are still to be sent */
    uint32_t elapsed_ms;         /* of the first press */
    uint32_t timestamp;          /* of the event, or of its segment (section 2.5.1.3) */
    uint32_t segments;           /* length of the segments before this one */
    sr_tone tone;
} sr_keypad;

/* Adds presses. Returns false, and adds none, when one is no key or there is no room. */
bool sr_keypad_add(sr_keypad *keypad, const sr_keys *keys);

static inline bool sr_keypad_busy(const sr_keypad *keypad)
{
    return keypad->count > 0;
}

#endif
