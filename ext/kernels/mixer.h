/* SPDX-License-Identifier: Apache-2.0
 *
 * Mix-minus of one bridge, once a tick: everybody hears the sum of the others.
 *
 *     sr_mix_sum: energies -> the loudest are heard -> one sum      sr_mix_output: sum - own -/+ overrides -> limited PCM
 *
 * A listener who is not heard, or says nothing audible just now, and has no overrides hears just the sum:
 * sr_mix_common makes it once for all of them (monitors: gain 0; whisper: gain 0 and an override at the one listener;
 * barge: gain 1). Gains are in 1/256. Who comes into the mix or leaves it is faded over the frame. The caller owns all
 * memory; a bridge has at most SR_MIX_PARTIES.
 */
#ifndef SWITCHROOM_MIXER_H
#define SWITCHROOM_MIXER_H

#include <stdint.h>

#define SR_MIX_PARTIES 1000
#define SR_MIX_TOP_MAX 16
#define SR_MIX_SAMPLES 960 /* longest frame: 60 ms at 16 kHz, 20 ms at 48 kHz */
#define SR_MIX_UNITY 256

typedef struct sr_mix_party {
    const int16_t *in;   /* what the party says this tick; NULL: nothing */
    uint16_t gain;       /* into the common mix */
    uint16_t gain_from;  /* applied in this tick's sum, from its first sample ... */
    uint16_t gain_to;    /* ... to its last */
    uint16_t hold;       /* ticks that it keeps its place among the loudest at least */
    uint8_t speaking;    /* smoothed level over the threshold: for active-speaker reports */
    uint8_t silent;      /* nothing in this tick's `in` can be heard, so it is left out */
    uint32_t level;      /* smoothed mean magnitude, in 1/16 */
} sr_mix_party;

typedef struct sr_mix_override {
    uint16_t speaker;    /* index of the party */
    uint16_t gain;       /* at this listener, in place of the common one; counts for silent-in-common parties too */
} sr_mix_override;

/* Into `sum` (`samples` long) the parties that are to be heard: all, or the `top` loudest (1 to SR_MIX_TOP_MAX), chosen
 * with hysteresis. Returns how many are in it. Sets gain_from, gain_to, level, speaking and hold of each. */
int sr_mix_sum(sr_mix_party *parties, int count, int top, int samples, int32_t *sum);

/* Does this party hear the common mix as it is? */
static inline int sr_mix_hears_common(const sr_mix_party *party, int overrides)
{
    return overrides == 0 && (party->in == 0 || party->silent || (party->gain_from | party->gain_to) == 0);
}

/* The sum as everybody hears it who is not in it. */
void sr_mix_common(const int32_t *sum, int samples, int16_t *out);

/* What one listener hears: without itself, and with its overrides. */
void sr_mix_output(const sr_mix_party *parties, int listener, const sr_mix_override *overrides, int override_count,
                   const int32_t *sum, int samples, int16_t *out);

#endif
