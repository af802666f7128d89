/* SPDX-License-Identifier: Apache-2.0
 *
 * Discontinuous transmission: which packets of a stream are worth sending, and what comfort noise (RFC 3389) stands for
 * the others. Only what is quiet rests: silence, and steady noise below SR_DTX_NOISE_DBOV; music and tones never do.
 */
#ifndef SWITCHROOM_DTX_H
#define SWITCHROOM_DTX_H

#include <stdint.h>

#include "kernels/cng.h"

#define SR_DTX_ORDER 6           /* reflection coefficients that we send */
#define SR_DTX_PAYLOAD_BYTES (1 + SR_CNG_ORDER_MAX)
#define SR_DTX_NOISE_DBOV (-45.0f) /* what is louder is never taken for noise */
#define SR_DTX_SILENCE_DBOV (-65.0f) /* what is softer always is */

enum sr_dtx_verdict {
    SR_DTX_TALK = 0,
    SR_DTX_SPURT, /* talk after a rest: its first packet has the marker (RFC 3389 section 4) */
    SR_DTX_NOISE, /* a description goes out in place of the packet */
    SR_DTX_REST,  /* nothing does */
};

typedef struct sr_dtx {
    float floor_dbov;  /* the noise as it is known: falls at once, rises slowly */
    float noise_power; /* of the packets that rested, smoothed */
    float told_dbov;   /* by the last description */
    int hangover_ms;   /* so long what is quiet is still sent */
    int since_ms;      /* the last description */
    uint8_t started, resting;
} sr_dtx;

void sr_dtx_init(sr_dtx *d);

/* Judges the next packet of `ms`. For SR_DTX_NOISE writes a description into `payload` and its length into `bytes`. */
enum sr_dtx_verdict sr_dtx_next(sr_dtx *d, const int16_t *pcm, int samples, int ms, uint8_t *payload, int *bytes);

#endif
