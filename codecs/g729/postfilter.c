/* SPDX-License-Identifier: Apache-2.0
 *
 * The adaptive postfilter of the decoder (A.4.2): long-term, tilt, short-term and gain control, by subframes.
 *
 * The long-term filter takes integer delays around the transmitted one only, and is left out in frames that are not
 * speech (Annex B). The tilt filter stands before the synthesis filter, as A.4.2 says.
 */
#include <string.h>

#include "state.h"
#include "functions.h"
#include "kernels.h"

enum { IMPULSE = 22 };

/* A.4.2.1: `r` and `r4` have PITCH_MAX samples of the past before them. */
static void longterm_postfilter(const int16_t *r, const int16_t *r4, int lag_min, int lag_max, int16_t *out)
{
    int32_t correlation[10], max = MIN_32;
    int lag = lag_min;
    lag_correlations(r4, r4, lag_min, lag_max, correlation);
    for (int t = lag_min; t <= lag_max; t++)
        if (correlation[t - lag_min] > max) {
            max = correlation[t - lag_min];
            lag = t;
        }
    int32_t energy = dot40_from(1, r4 - lag, r4 - lag);
    int32_t energy0 = dot40_from(1, r4, r4);
    if (max < 0)
        max = 0;
    int32_t top = max > energy ? max : energy;
    top = energy0 > top ? energy0 : top;
    int norm = norm32(top);
    int16_t c = round16(l_shl(max, norm));
    int16_t e = round16(l_shl(energy, norm));
    int16_t e0 = round16(l_shl(energy0, norm));

    if (l_sub(l_mult(c, c), l_mult(e, e0) >> 1) < 0) { /* eq. (82): less than 3 dB */
        for (int i = 0; i < SUBFRAME; i++)
            out[i] = r[i];
        return;
    }
    int16_t g0 = 32767, g = 0;
    if (c > e) {
        g0 = 21845;
        g = 10923;
    } else {
        c = mult16(c, 16384) >> 1;
        int16_t sum = add16(c, e >> 1);
        if (sum > 0) {
            g = div16(c, sum);
            g0 = sub16(32767, g);
        }
    }
    for (int i = 0; i < SUBFRAME; i++)
        out[i] = add16(mult16(g0, r[i]), mult16(g, r[i - lag]));
}

/* A.4.2.3 eq. (A.14): the tilt of the short-term postfilter, times 0.8 where positive. */
static int16_t postfilter_tilt(const int16_t num[COEFS], const int16_t den[COEFS])
{
    static const int16_t zero[ORDER];
    int16_t x[IMPULSE + 2] = {0}, h[IMPULSE];
    for (int i = 0; i < COEFS; i++)
        x[i] = num[i];
    synthesis_filter(den, x, h, IMPULSE, zero);
    int32_t r0 = 0, r1 = 0;
    for (int i = 0; i < IMPULSE; i++)
        r0 = l_mac(r0, h[i], h[i]);
    for (int i = 0; i < IMPULSE - 1; i++)
        r1 = l_mac(r1, h[i], h[i + 1]);
    return high16(r1) <= 0 ? 0 : div16(mult16(high16(r1), 26214), high16(r0));
}

/* A.4.2.3 eq. (A.13). */
static void compensate_tilt(int16_t *x, int16_t tilt, int16_t *mem)
{
    int16_t last = x[SUBFRAME - 1];
    for (int i = SUBFRAME - 1; i > 0; i--)
        x[i] = sub16(x[i], mult16(tilt, x[i - 1]));
    x[0] = sub16(x[0], mult16(tilt, *mem));
    *mem = last;
}

/* A.4.2.4 eq. (A.15): `out` follows the energy of `in`. */
static void control_gain(const int16_t *in, int16_t *out, int16_t *gain)
{
    int16_t quarter[48], g0 = 0;
    for (int i = 0; i < SUBFRAME; i++)
        quarter[i] = out[i] >> 2;
    int32_t s = dot40(quarter, quarter);
    if (s == 0) {
        *gain = 0;
        return;
    }
    int exponent = norm32(s) - 1;
    int16_t energy_out = round16(l_shl(s, exponent));

    for (int i = 0; i < SUBFRAME; i++)
        quarter[i] = in[i] >> 2;
    s = dot40(quarter, quarter);
    if (s != 0) {
        int norm = norm32(s);
        int16_t energy_in = round16(l_shl(s, norm));
        int32_t ratio = l_shr((int32_t)div16(energy_out, energy_in) * 128, exponent - norm);
        g0 = mult16(round16(l_shl(inv_sqrt(ratio), 9)), 3276);
    }
    *gain = ramp_gain(out, *gain, g0);
}

/* A.4.2: `synthesis` has ten samples of the past before it; `lag` the integer delays of the subframes. */
static void postfilter(postfilter_state *s, const int16_t *synthesis, const int16_t *a, const int lag[2], int speech,
                       int16_t *out)
{
    int16_t num[COEFS], den[COEFS], filtered[48];
    int16_t *r = s->residual + PAST_RESIDUAL, *r4 = s->residual4 + PAST_RESIDUAL;

    for (int n = 0; n < 2; n++, a += COEFS, synthesis += SUBFRAME, out += SUBFRAME) {
        int lag_min = lag[n] - 3, lag_max = lag[n] + 3;
        if (lag_max > PITCH_MAX) {
            lag_max = PITCH_MAX;
            lag_min = PITCH_MAX - 6;
        }
        expand_bandwidth(a, 18022, num);
        expand_bandwidth(a, 22938, den);
        lp_residual(num, synthesis, r);
        for (int i = 0; i < SUBFRAME; i++)
            r4[i] = r[i] >> 2;
        if (speech)
            longterm_postfilter(r, r4, lag_min, lag_max, filtered);
        else
            for (int i = 0; i < SUBFRAME; i++)
                filtered[i] = r[i];
        compensate_tilt(filtered, postfilter_tilt(num, den), &s->tilt_mem);
        synthesise(den, filtered, out, s->synthesis_mem);
        control_gain(synthesis, out, &s->gain);
        memmove(s->residual, s->residual + SUBFRAME, PAST_RESIDUAL * sizeof(int16_t));
        memmove(s->residual4, s->residual4 + SUBFRAME, PAST_RESIDUAL * sizeof(int16_t));
    }
}
