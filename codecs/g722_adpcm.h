/* SPDX-License-Identifier: Apache-2.0
 *
 * ITU-T G.722 at 64 kbit/s: 16 kHz audio in two bands, each an adaptive-differential code; one byte for two samples.
 * Block and variable names are those of the Recommendation, sections 3 and 6.
 */
#ifndef SWITCHROOM_G722_ADPCM_H
#define SWITCHROOM_G722_ADPCM_H

#include <stdint.h>

typedef struct sr_g722_band {
    int s, sp, sz;     /* signal estimate: by poles, by zeros, both */
    int r[3], p[3], a[3];
    int d[7], b[7];
    int nb, det;       /* logarithmic and linear scale factor */
} sr_g722_band;

typedef struct sr_g722 {
    sr_g722_band low, high;
    int16_t x[24];     /* past of the quadrature mirror filter */
} sr_g722;

void sr_g722_init(sr_g722 *g);

/* `samples` (even) to samples / 2 bytes. */
void sr_g722_encode(sr_g722 *g, const int16_t *pcm, int samples, uint8_t *code);

/* `bytes` to 2 * bytes samples. */
void sr_g722_decode(sr_g722 *g, const uint8_t *code, int bytes, int16_t *pcm);

#endif
