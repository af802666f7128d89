/* SPDX-License-Identifier: Apache-2.0
 *
 * What the codec shows to the module around it: one table of functions for each variant of the inner loops.
 *
 * Every variant gives the same bits and works on the same states, so a channel may even change variant between frames.
 */
#ifndef SWITCHROOM_G729_G729_H
#define SWITCHROOM_G729_G729_H

#include <stdint.h>

#include "state.h"

typedef struct g729_variant {
    const char *name;
    void (*encoder_init)(void *encoder, int annex_b);
    void (*decoder_init)(void *decoder);
    /* 80 samples to at most 10 octets; returns 10 (speech), 2 (SID) or 0 (untransmitted). `forced` asks for speech. */
    int (*encode)(void *encoder, const int16_t *pcm, int forced, uint8_t *out);
    /* 10, 2 or 0 octets as above, or -1 for an erased frame, to 80 samples. */
    void (*decode)(void *decoder, const uint8_t *in, int bytes, int16_t *pcm);
} g729_variant;

/* A variant by name ("c", "sse41", "avx2"), or NULL where this machine has none such; NULL asks for the fastest. */
const g729_variant *g729_variant_by_name(const char *name);

/* The same by place, the fastest last; NULL past the end, or where this machine lacks it. */
const g729_variant *g729_variant_at(int place);

#endif
