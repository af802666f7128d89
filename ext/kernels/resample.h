/* SPDX-License-Identifier: Apache-2.0
 *
 * Streaming change of sample rate by a polyphase FIR filter: a Kaiser-windowed sinc, 40 samples of the lower rate long,
 * so the delay is 20 of them (2.5 ms at 8 kHz). Flat to 0.85 of the lower Nyquist frequency, -60 dB from 1.04 of it on.
 *
 * The filter of a pair of rates is made once and shared; each stream has a small state. Any pair whose ratio in lowest
 * terms fits (all of 8, 16, 32, 48 and of 11.025, 22.05, 44.1 to 8 or 16 kHz do).
 */
#ifndef SWITCHROOM_RESAMPLE_H
#define SWITCHROOM_RESAMPLE_H

#include <stdint.h>

#define SR_RESAMPLE_TAPS_MAX 240
#define SR_RESAMPLE_COEFFICIENTS 26000
#define SR_RESAMPLE_CHUNK 256

typedef struct sr_resample_filter {
    int up, down;  /* the ratio in lowest terms */
    int taps;      /* of each of the `up` phases, a multiple of 8 */
    float coefficients[SR_RESAMPLE_COEFFICIENTS];
} sr_resample_filter;

typedef struct sr_resample {
    const sr_resample_filter *filter;
    int phase;     /* of the next output, in 1/up of an input sample */
    int skip;      /* inputs still to come before it */
    float past[SR_RESAMPLE_TAPS_MAX + SR_RESAMPLE_CHUNK];
} sr_resample;

/* -1: the ratio does not fit. */
int sr_resample_filter_init(sr_resample_filter *f, uint32_t from_hz, uint32_t to_hz);

void sr_resample_init(sr_resample *r, const sr_resample_filter *filter);

/* The most samples that `samples` of input can give. */
static inline int sr_resample_bound(const sr_resample_filter *f, int samples)
{
    return (int)(((int64_t)samples * f->up + f->down - 1) / f->down) + 1;
}

/* Convert all of `in`; `out` has room for sr_resample_bound. Returns the samples written: over a whole number of
 * `down` inputs exactly their share. */
int sr_resample_run(sr_resample *r, const int16_t *in, int samples, int16_t *out);

#endif
