/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/mixer.h"

#include <string.h>

#define SPEAKING (100 * 16)  /* mean magnitude of about -48 dBov */
#define QUIET (60 * 16)
#define HOLD_TICKS 15        /* 0.3 s at 20 ms: nobody leaves between two words */
#define INAUDIBLE 8          /* the smallest step of A-law, in which a silent phone's samples are never 0 */
#define KNEE 26000           /* louder sums are bent towards full scale, softer ones pass untouched */

static uint32_t magnitude(const int16_t *in, int samples)
{
    uint32_t sum = 0;
    for (int i = 0; i < samples; i++)
        sum += (uint32_t)(in[i] < 0 ? -in[i] : in[i]);
    return sum * 16u / (uint32_t)samples;
}

/* sum += sign * gain * in, the gain going from `from` to `to` over the frame. The division by 256 comes first, so that
 * what one call adds the next takes away exactly. */
static void add(int32_t *sum, const int16_t *in, int from, int to, int sign, int samples)
{
    if (from == SR_MIX_UNITY && to == SR_MIX_UNITY) {
        if (sign > 0)
            for (int i = 0; i < samples; i++)
                sum[i] += in[i];
        else
            for (int i = 0; i < samples; i++)
                sum[i] -= in[i];
    } else if (from == to) {
        for (int i = 0; i < samples; i++)
            sum[i] += sign * ((in[i] * from) >> 8);
    } else {
        float step = (float)(to - from) / (float)samples;
        for (int i = 0; i < samples; i++)
            sum[i] += sign * (int32_t)((float)in[i] * ((float)from + step * (float)i) * (1.0f / 256.0f));
    }
}

/* Is no sample audible, even at the party's gain? */
static uint8_t is_silent(const sr_mix_party *p, int samples)
{
    int most = p->gain > SR_MIX_UNITY ? INAUDIBLE * SR_MIX_UNITY / p->gain : INAUDIBLE;
    int beyond = 0;
    for (int i = 0; i < samples; i++)
        beyond |= p->in[i] > most || p->in[i] < -most;
    return !beyond;
}

/* Is it in the sum of this tick? */
static int is_added(const sr_mix_party *p)
{
    return p->in && !p->silent && (p->gain_from | p->gain_to);
}

/* Level with a fast rise and a slow fall, and whether that counts as speaking. */
static void follow(sr_mix_party *p, int samples)
{
    uint32_t now = p->in ? magnitude(p->in, samples) : 0;
    p->silent = p->in && now <= INAUDIBLE * 16 && is_silent(p, samples);
    if (now > p->level)
        p->level += (now - p->level + 1) / 2;
    else
        p->level -= (p->level - now + 7) / 8;
    if (p->level >= SPEAKING)
        p->speaking = 1;
    else if (p->level < QUIET)
        p->speaking = 0;
}

/* Who is in counts 6 dB more than who is not, and who came in lately more than anybody. */
static uint64_t rank(const sr_mix_party *p)
{
    uint64_t level = p->level;
    if (p->hold)
        return level + ((uint64_t)1 << 32);
    return p->gain_to ? 2 * level + 1 : level;
}

/* The least rank that is among the `top` highest. */
static uint64_t least_of_top(const sr_mix_party *parties, int count, int top)
{
    uint64_t best[SR_MIX_TOP_MAX] = {0};
    for (int i = 0; i < count; i++) {
        if (parties[i].gain == 0)
            continue;
        uint64_t r = rank(&parties[i]);
        if (r <= best[top - 1])
            continue;
        int at = top - 1;
        for (; at > 0 && best[at - 1] < r; at--)
            best[at] = best[at - 1];
        best[at] = r;
    }
    return best[top - 1];
}

int sr_mix_sum(sr_mix_party *parties, int count, int top, int samples, int32_t *sum)
{
    int heard = 0, above = 0, equals;
    uint64_t least = 0;

    memset(sum, 0, (size_t)samples * sizeof *sum);
    top = top > SR_MIX_TOP_MAX ? SR_MIX_TOP_MAX : top;
    for (int i = 0; i < count; i++)
        follow(&parties[i], samples);
    if (top > 0 && top < count)
        least = least_of_top(parties, count, top);
    for (int i = 0; i < count; i++)
        above += least > 0 && parties[i].gain && rank(&parties[i]) > least;
    equals = top - above; /* places left for those who are just as loud as the last of the top */
    for (int i = 0; i < count; i++) {
        sr_mix_party *p = &parties[i];
        uint64_t r = rank(p);
        int chosen = p->gain && (r > least || least == 0 || (r == least && equals-- > 0));
        p->gain_from = p->gain_to;
        if (chosen && p->gain_to == 0)
            p->hold = HOLD_TICKS;
        else if (p->hold)
            p->hold--;
        p->gain_to = chosen ? p->gain : 0;
        if (!chosen)
            p->hold = 0;
        if (is_added(p)) {
            add(sum, p->in, p->gain_from, p->gain_to, 1, samples);
            heard++;
        }
    }
    return heard;
}

void sr_mix_common(const int32_t *sum, int samples, int16_t *out)
{
    int32_t peak = 0;
    for (int i = 0; i < samples; i++) {
        int32_t size = sum[i] < 0 ? -sum[i] : sum[i];
        peak = size > peak ? size : peak;
    }
    if (peak <= KNEE) {
        for (int i = 0; i < samples; i++)
            out[i] = (int16_t)sum[i];
        return;
    }
    const float room = 32767.0f - KNEE;
    for (int i = 0; i < samples; i++) { /* knee + room * over / (room + over): smooth, and never full scale */
        int32_t size = sum[i] < 0 ? -sum[i] : sum[i];
        float over = size > KNEE ? (float)(size - KNEE) : 0.0f;
        float bent = (float)(size < KNEE ? size : KNEE) + room * over / (room + over);
        out[i] = (int16_t)(sum[i] < 0 ? -bent : bent);
    }
}

void sr_mix_output(const sr_mix_party *parties, int listener, const sr_mix_override *overrides, int override_count,
                   const int32_t *sum, int samples, int16_t *out)
{
    int32_t own[SR_MIX_SAMPLES];
    const sr_mix_party *self = &parties[listener];
    memcpy(own, sum, (size_t)samples * sizeof *own);
    if (is_added(self))
        add(own, self->in, self->gain_from, self->gain_to, -1, samples);
    for (int i = 0; i < override_count; i++) {
        const sr_mix_party *p = &parties[overrides[i].speaker];
        if (p->in == NULL || overrides[i].speaker == listener)
            continue;
        if (is_added(p))
            add(own, p->in, p->gain_from, p->gain_to, -1, samples);
        add(own, p->in, overrides[i].gain, overrides[i].gain, 1, samples);
    }
    sr_mix_common(own, samples, out);
}
