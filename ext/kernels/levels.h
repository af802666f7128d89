/* SPDX-License-Identifier: Apache-2.0
 *
 * What the leg doctor hears: level, peak, silence, clipping and DC of a stream of PCM, frame by frame.
 */
#ifndef SWITCHROOM_LEVELS_H
#define SWITCHROOM_LEVELS_H

#include <stdint.h>

typedef struct sr_levels {
    uint64_t samples;
    uint64_t silent;       /* samples in frames under SR_LEVELS_SILENCE */
    uint64_t silent_now;   /* of these, in a row until now */
    uint64_t clipped;      /* samples at full scale beside another one there */
    double squares;        /* sum over all samples, DC taken off */
    double speech_squares; /* the same over the frames that are not silent */
    float frame_rms;       /* of the last frame */
    float dc;              /* smoothed over about 0.5 s */
    uint16_t peak;
} sr_levels;

#define SR_LEVELS_SILENCE 33.0f /* rms: -60 dBov */
#define SR_LEVELS_CLIP 32100    /* just under the ends of mu-law (32124) and A-law (32256) */

void sr_levels_init(sr_levels *l);
void sr_levels_add(sr_levels *l, const int16_t *pcm, int samples);

/* An rms magnitude in dBov (a full-scale square wave is 0) and in dBm0 (a full-scale sine is +3.14); -127 for silence. */
float sr_dbov(float rms);
float sr_dbm0(float rms);

/* Mean rms of the frames that are not silent. */
float sr_levels_speech_rms(const sr_levels *l);

#endif
