/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/timescale.h"

#include <math.h>
#include <string.h>

#define QUIET_SQUARE 1000  /* mean square of about -60 dBov: any join passes unheard */
#define GOOD_ENOUGH 0.75f  /* normalised correlation of one period with the next */

/* How alike are x[0..w) and x[p..p+w)? 1: the same but for gain. */
static float likeness(const int16_t *x, int p, int w)
{
    int64_t cross = 0, first = 0, second = 0;
    for (int i = 0; i < w; i++) {
        cross += x[i] * x[i + p];
        first += x[i] * x[i];
        second += x[i + p] * x[i + p];
    }
    if (cross <= 0 || first == 0 || second == 0)
        return 0;
    return (float)cross / sqrtf((float)first * (float)second);
}

/* The period to take out or put in, and how many samples to fade over; 0 for none. */
static int period(const int16_t *x, int n, uint32_t rate_hz, int urgent, int *fade)
{
    int least = (int)(rate_hz * 5 / 2000), most = SR_TIMESCALE_EXTRA(rate_hz), best = 0;
    float best_likeness = urgent ? -1.0f : GOOD_ENOUGH;
    int64_t energy = 0;

    if (most > n - least)
        most = n - least;
    if (most <= least)
        return 0;
    for (int i = 0; i < n; i++)
        energy += x[i] * x[i];
    if (energy < (int64_t)QUIET_SQUARE * n) {
        best = most < n / 2 ? most : n / 2;
    } else {
        for (int p = least; p <= most; p++) {
            float found = likeness(x, p, p < n - p ? p : n - p);
            if (found > best_likeness) {
                best_likeness = found;
                best = p;
            }
        }
    }
    *fade = best < n - best ? best : n - best;
    return best;
}

static int16_t blend(int from, int to, int i, int n)
{
    return (int16_t)((from * (n - i) + to * i) / n);
}

int sr_accelerate(const int16_t *in, int n, uint32_t rate_hz, int urgent, int16_t *out)
{
    int fade, p = period(in, n, rate_hz, urgent, &fade);
    if (p == 0) {
        memmove(out, in, (size_t)n * sizeof *in);
        return n;
    }
    for (int i = 0; i < fade; i++)
        out[i] = blend(in[i], in[i + p], i, fade);
    memmove(out + fade, in + fade + p, (size_t)(n - fade - p) * sizeof *in);
    return n - p;
}

int sr_expand(const int16_t *in, int n, uint32_t rate_hz, int urgent, int16_t *out)
{
    int fade, p = period(in, n, rate_hz, urgent, &fade);
    memcpy(out, in, (size_t)(p ? p : n) * sizeof *in);
    if (p == 0)
        return n;
    for (int i = 0; i < fade; i++)
        out[p + i] = blend(in[p + i], in[i], i, fade);
    memcpy(out + p + fade, in + fade, (size_t)(n - fade) * sizeof *in);
    return n + p;
}
