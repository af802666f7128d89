/* SPDX-License-Identifier: Apache-2.0
 *
 * Digits out of telephone-event packets (RFC 4733), each once, whatever of them is lost, repeated or reordered.
 */
#ifndef SWITCHROOM_TELEPHONE_EVENT_H
#define SWITCHROOM_TELEPHONE_EVENT_H

#include "rtp.h"

#define SR_EVENT_SILENCE_NS 200000000 /* no packet of an event for so long: it is over, its end was lost */
#define SR_EVENT_MAX_DIGITS 2         /* that one packet can complete */

typedef struct sr_digit {
    char name;                   /* 0-9 * # A-D, '!' for flash */
    uint32_t duration_ms;
    bool in_band;                /* it came as a tone */
} sr_digit;

typedef struct sr_event_receiver {
    bool known;                  /* an event was there; the fields below are of the newest one */
    bool running;
    uint8_t event;
    uint16_t sequence, duration;
    uint32_t ssrc, timestamp;
    uint32_t earlier;            /* duration of the segments before this one (section 2.5.1.3) */
    int64_t heard_ns;
} sr_event_receiver;

/* Takes a packet; returns how many digits are complete by it and fills `digits`. */
int sr_event_receive(sr_event_receiver *receiver, const sr_rtp *packet, uint32_t clock_hz, int64_t now_ns,
                     sr_digit digits[SR_EVENT_MAX_DIGITS]);

/* To be called now and then: completes the digit whose end got lost. */
int sr_event_expire(sr_event_receiver *receiver, uint32_t clock_hz, int64_t now_ns, sr_digit digits[SR_EVENT_MAX_DIGITS]);

#endif
