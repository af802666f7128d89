/* SPDX-License-Identifier: Apache-2.0
 *
 * What the leg doctor hears of a leg's remote: level, noise, silence, clipping; and what was made up for lost packets.
 *
 * Packets of codecs without memory are looked at where they arrive, one in SR_DOCTOR_EVERY, so a relayed call is heard too;
 * those of other codecs where they are decoded anyway.
 */
#ifndef SWITCHROOM_DOCTOR_H
#define SWITCHROOM_DOCTOR_H

#include "kernels/levels.h"
#include "kernels/playout.h"

#define SR_DOCTOR_EVERY 4

typedef struct sr_doctor {
    sr_levels levels;
    uint32_t rate_hz;            /* of the PCM that was heard last */
    uint32_t every;              /* 1, or SR_DOCTOR_EVERY: of so many frames one was heard */
    float noise_rms;             /* the quietest of the last seconds */
    uint32_t packets;
    uint64_t concealed_ms, played_ms; /* of playouts that are gone */
    uint32_t discarded;          /* packets that came too late for playing, or were too many */
} sr_doctor;

void sr_doctor_pcm(sr_doctor *doctor, const int16_t *pcm, int samples, uint32_t rate_hz, uint32_t every);
/* A playout is about to begin anew: its counts are kept. */
void sr_doctor_note(sr_doctor *doctor, const sr_playout *playout);

#endif
