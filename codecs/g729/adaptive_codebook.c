/* SPDX-License-Identifier: Apache-2.0
 *
 * The adaptive codebook (A.3.7, 3.7): the vector of a fractional delay, its closed-loop search, codeword and gain.
 *
 * The search maximises the correlation of the past excitation with the backward-filtered target; only then are the
 * fractions around the best integer delay tried. The vector is shared with the decoder (4.1.3) and with comfort noise.
 */
#include "state.h"
#include "tables.h"
#include "kernels.h"

/* 3.7.1 eq. (40): exc[0..39] from the past excitation at delay lag + frac / 3. */
static void adaptive_vector(int16_t *exc, int lag, int frac)
{
    const int16_t *x = exc - lag;
    frac = -frac;
    if (frac < 0) {
        frac += 3;
        x--;
    }
    interpolate_pitch(x, g729_pitch_interp_taps[frac], exc);
}

/* A.3.7: exc[0..39] holds the residual on entry and the adaptive vector at the end; dn is scratch for the target. */
static int closed_loop_pitch(int16_t *exc, const int16_t *target, const int16_t *h, int lag_min, int lag_max, int first,
                             int *frac)
{
    int16_t dn[48], best[SUBFRAME];
    int32_t r[10], max = MIN_32;
    int lag = lag_min;

    backward_filter(h, target, dn);
    lag_correlations(dn, exc, lag_min, lag_max, r);
    for (int t = lag_min; t <= lag_max; t++)
        if (r[t - lag_min] > max) {
            max = r[t - lag_min];
            lag = t;
        }
    adaptive_vector(exc, lag, 0);
    *frac = 0;
    if (first && lag > 84)
        return lag;
    max = dot40(dn, exc);
    for (int i = 0; i < SUBFRAME; i++)
        best[i] = exc[i];
    for (int f = -1; f <= 1; f += 2) {
        adaptive_vector(exc, lag, f);
        int32_t c = dot40(dn, exc);
        if (c > max) {
            max = c;
            *frac = f;
            for (int i = 0; i < SUBFRAME; i++)
                best[i] = exc[i];
        }
    }
    if (*frac != 1)
        for (int i = 0; i < SUBFRAME; i++)
            exc[i] = best[i];
    return lag;
}

/* 3.7: the bounds of the second subframe's search around the first one's delay. */
G729_INLINE void second_lag_range(int lag, int *lag_min, int *lag_max)
{
    *lag_min = lag - 5 < PITCH_MIN ? PITCH_MIN : lag - 5;
    *lag_max = *lag_min + 9;
    if (*lag_max > PITCH_MAX) {
        *lag_max = PITCH_MAX;
        *lag_min = PITCH_MAX - 9;
    }
}

/* 3.7.2 eqs. (41), (42). */
static int16_t encode_lag(int lag, int frac, int *lag_min, int *lag_max, int first)
{
    if (!first)
        return (int16_t)(3 * (lag - *lag_min) + 2 + frac);
    second_lag_range(lag, lag_min, lag_max);
    return (int16_t)(lag <= 85 ? 3 * lag - 58 + frac : lag + 112);
}

/* 3.7.2: the six most significant bits of P1 and the parity bit together are odd. */
static int16_t lag_parity(int16_t p1)
{
    return (int16_t)(1 ^ __builtin_parity((unsigned)p1 >> 2 & 63u));
}

/* 4.1.3. */
static int decode_lag(int16_t index, int previous, int first, int *frac)
{
    if (first) {
        if (index >= 197) {
            *frac = 0;
            return index - 112;
        }
        int lag = (index + 2) / 3 + 19;
        *frac = index - 3 * lag + 58;
        return lag;
    }
    int lag_min, lag_max;
    second_lag_range(previous, &lag_min, &lag_max);
    int step = (index + 2) / 3 - 1;
    *frac = index - 2 - 3 * step;
    return step + lag_min;
}

/* 3.7.3 eq. (43): the gain in Q14, at most 1.2; g[] are <y,y> and <x,y> as mantissa and 15 - exponent. */
static int16_t pitch_gain(const int16_t *x, const int16_t *y, int16_t g[4])
{
    int16_t quarter[48];
    int32_t s;
    int exp_yy, exp_xy, overflow;

    for (int i = 0; i < SUBFRAME; i++)
        quarter[i] = y[i] >> 2;
    s = dot40_of(1, y, y, &overflow);
    if (overflow) {
        s = dot40_of(1, quarter, quarter, &overflow);
        exp_yy = norm32(s) - 4;
        g[0] = round16(l_shl(s, exp_yy + 4));
    } else {
        exp_yy = norm32(s);
        g[0] = round16(l_shl(s, exp_yy));
    }
    s = dot40_of(0, x, y, &overflow);
    if (overflow) {
        s = dot40_of(0, x, quarter, &overflow);
        exp_xy = norm32(s) - 2;
        g[2] = round16(l_shl(s, exp_xy + 2));
    } else {
        exp_xy = norm32(s);
        g[2] = round16(l_shl(s, exp_xy));
    }
    g[1] = (int16_t)(15 - exp_yy);
    g[3] = (int16_t)(15 - exp_xy);
    if (g[2] <= 0) {
        g[3] = -15;
        return 0;
    }
    int16_t gain = shr16(div16(g[2] >> 1, g[0]), exp_xy - exp_yy);
    return gain > 19661 ? 19661 : gain;
}
