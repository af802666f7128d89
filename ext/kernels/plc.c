/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/plc.h"

#include <string.h>

#define COARSE_HZ 4000 /* the rate at which the period is first looked for */

static int ms(const sr_plc *p, int n)
{
    return n * (int)p->rate_hz / 1000;
}

void sr_plc_init(sr_plc *p, uint32_t rate_hz)
{
    memset(p, 0, sizeof *p);
    p->rate_hz = rate_hz;
    p->history = (int)(rate_hz * 4875 / 100000);
}

/* Normalised correlation of the last `window` samples with those `lag` before, taken every `step`; squared, with sign. */
static float alike(const int16_t *end, int lag, int window, int step)
{
    int64_t cross = 0, energy = 0;
    const int16_t *recent = end - window, *before = recent - lag;
    for (int i = 0; i < window; i += step) {
        cross += recent[i] * before[i];
        energy += before[i] * before[i];
    }
    if (energy == 0)
        return 0;
    return (cross < 0 ? -1.0f : 1.0f) * (float)cross * (float)cross / (float)energy;
}

/* The pitch period, 5 to 15 ms, over the last 20 ms: coarse first, then to the sample. */
static int find_period(const sr_plc *p)
{
    const int16_t *end = p->past + p->history;
    int least = ms(p, 5), most = ms(p, 15), window = ms(p, 20), step = (int)p->rate_hz / COARSE_HZ;
    int best = least;
    float best_alike = -1e30f;
    for (int lag = least; lag <= most; lag += step) {
        float found = alike(end, lag, window, step);
        if (found > best_alike) {
            best_alike = found;
            best = lag;
        }
    }
    int from = best - step < least ? least : best - step, to = best + step > most ? most : best + step;
    best_alike = -1e30f;
    for (int lag = from; lag <= to; lag++) {
        float found = alike(end, lag, window, 1);
        if (found > best_alike) {
            best_alike = found;
            best = lag;
        }
    }
    return best;
}

static int16_t blend(int from, int to, int i, int n)
{
    return (int16_t)((from * (n - i) + to * i) / n);
}

static int16_t clip(int x)
{
    return (int16_t)(x > 32767 ? 32767 : x < -32768 ? -32768 : x);
}

/* Sample `at` of the last `periods` periods, whose last quarter period fades into what came before them, so that they
 * can follow themselves. */
static int16_t repeated(const sr_plc *p, int periods, int at)
{
    const int16_t *end = p->past + p->history;
    int length = periods * p->period, quarter = p->period / 4, tail = at - (length - quarter);
    if (tail < 0)
        return end[at - length];
    return blend(end[at - length], end[at - 2 * length], tail, quarter);
}

static int16_t next_sample(sr_plc *p)
{
    int ten = ms(p, 10), quarter = p->period / 4, full = ms(p, 60);
    if (p->lost >= full)
        return 0;
    int stage = p->lost / ten, into = p->lost % ten;
    int wanted = stage < 2 ? stage + 1 : 3;
    if (wanted != p->periods) {
        p->periods = wanted;
        p->position %= p->period; /* the same phase, in the earliest of the periods */
    }
    int16_t sample = repeated(p, p->periods, p->position);
    if (p->periods > 1 && stage < 3 && into < quarter) /* fade from the fewer periods to the more */
        sample = blend(repeated(p, p->periods - 1, p->position % ((p->periods - 1) * p->period)), sample, into, quarter);
    if (p->lost < quarter)
        sample = clip(sample + p->step * (quarter - p->lost) / quarter);
    if (p->lost > ten)
        sample = (int16_t)(sample * (full - p->lost) / (full - ten)); /* 20 % of the whole in 10 ms */
    if (++p->position >= p->periods * p->period)
        p->position = 0;
    p->lost++;
    return sample;
}

static void remember(sr_plc *p, const int16_t *pcm, int samples)
{
    if (samples >= p->history) {
        memcpy(p->past, pcm + samples - p->history, (size_t)p->history * sizeof *pcm);
        return;
    }
    memmove(p->past, p->past + samples, (size_t)(p->history - samples) * sizeof *pcm);
    memcpy(p->past + p->history - samples, pcm, (size_t)samples * sizeof *pcm);
}

void sr_plc_lost(sr_plc *p, int16_t *pcm, int samples)
{
    if (p->lost == 0) {
        const int16_t *end = p->past + p->history;
        p->period = find_period(p);
        p->periods = 1;
        p->position = 0;
        p->step = clip(end[-1] - end[-1 - p->period]);
    }
    for (int i = 0; i < samples; i++)
        pcm[i] = next_sample(p);
}

void sr_plc_good(sr_plc *p, int16_t *pcm, int samples)
{
    if (p->lost) { /* 4 ms of overlap, 4 more for each further 10 ms lost, at most 10 */
        int overlap = ms(p, 4) * (1 + (p->lost - 1) / ms(p, 10));
        overlap = overlap > ms(p, 10) ? ms(p, 10) : overlap;
        overlap = overlap > samples ? samples : overlap;
        for (int i = 0; i < overlap; i++)
            pcm[i] = blend(next_sample(p), pcm[i], i, overlap);
        p->lost = 0;
    }
    remember(p, pcm, samples);
}
