/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loops, each in the plain form that defines it: with the saturating operators of clause 5.2, in order.
 *
 * Where a variant is built for a vector unit, kernels_vector.h replaces most of these with loops that give the same
 * bits, and falls back on the plain form whenever a sum might saturate on the way.
 */
#ifndef SWITCHROOM_G729_KERNELS_H
#define SWITCHROOM_G729_KERNELS_H

#include "functions.h"
#include "state.h"

/* 3.2.1 eq. (4). */
static inline void plain_window_speech(const int16_t *speech, int16_t *y)
{
    for (int i = 0; i < WINDOW; i++)
        y[i] = mult_r16(speech[i], g729_lp_window[i]);
}

/* 3.2.1 eq. (5) for thirteen lags; 0 when r[0] overflows. */
static inline int plain_correlate_window(const int16_t *y, int32_t *r)
{
    int overflow = 0;
    int32_t sum = 1;
    for (int i = 0; i < WINDOW; i++)
        sum = l_mac_of(sum, y[i], y[i], &overflow);
    if (overflow)
        return 0;
    r[0] = sum;
    for (int k = 1; k <= VAD_ORDER; k++) {
        sum = 0;
        for (int i = 0; i < WINDOW - k; i++)
            sum = l_mac(sum, y[i], y[i + k]);
        r[k] = sum;
    }
    return 1;
}

/* 3.2.3 eq. (17): C(x) in Q14; `wide` tells that f is in Q10 instead of Q11. */
static inline int16_t plain_chebyshev(int16_t x, const int16_t f[6], int wide)
{
    dpf b2 = {wide ? 128 : 256, 0};
    dpf b1 = split32(l_mac(l_mult(x, wide ? 256 : 512), f[1], 4096));
    for (int i = 2; i < 5; i++) {
        int32_t t = l_shl(mpy_32_16(b1, x), 1);
        t = l_msu(l_mac(t, b2.hi, MIN_16), b2.lo, 1);
        t = l_mac(t, f[i], 4096);
        b2 = b1;
        b1 = split32(t);
    }
    int32_t t = mpy_32_16(b1, x);
    t = l_msu(l_mac(t, b2.hi, MIN_16), b2.lo, 1);
    t = l_mac(t, f[5], 2048);
    return high16(l_shl(t, wide ? 7 : 6));
}

static inline void plain_chebyshev_grid(const int16_t f[6], int wide, int16_t *y)
{
    for (int i = 0; i <= 50; i++)
        y[i] = plain_chebyshev(g729_lsp_grid[i], f, wide);
}

/* 3.2.4: nearest row of L1. */
static inline int plain_lsf_first_stage(const int16_t *target)
{
    int32_t min = MAX_32;
    int best = 0;
    for (int k = 0; k < 128; k++) {
        int32_t sum = 0;
        for (int i = 0; i < ORDER; i++) {
            int16_t d = sub16(target[i], g729_lsp_code1[k][i]);
            sum = l_mac(sum, d, d);
        }
        if (sum < min) {
            min = sum;
            best = k;
        }
    }
    return best;
}

/* 3.2.4: nearest row of L2 (from = 0) or L3 (from = 5), weighted. */
static inline int plain_lsf_second_stage(const int16_t *target, const int16_t *base, const int16_t *w, int from)
{
    int32_t min = MAX_32;
    int best = 0;
    for (int k = 0; k < 32; k++) {
        int32_t sum = 0;
        for (int i = from; i < from + 5; i++) {
            int16_t d = sub16(sub16(target[i], base[i]), g729_lsp_code2[k][i]);
            sum = l_mac(sum, mult16(w[i], d), d);
        }
        if (sum < min) {
            min = sum;
            best = k;
        }
    }
    return best;
}

/* A.3.6 eq. (A.3): 40 samples; ten of the past stand before x. */
static inline void plain_residual(const int16_t a[COEFS], const int16_t *x, int16_t *y)
{
    for (int n = 0; n < SUBFRAME; n++) {
        int32_t s = l_mult(x[n], a[0]);
        for (int i = 1; i <= ORDER; i++)
            s = l_mac(s, a[i], x[n - i]);
        y[n] = round16(l_shl(s, 3));
    }
}

/* 4.1.6 eq. (77): y must not be x; `mem` are the ten outputs before. */
static inline int plain_synthesis_of(const int16_t a[COEFS], const int16_t *x, int16_t *y, int length,
                                     const int16_t mem[ORDER])
{
    int16_t past[ORDER + FRAME];
    int overflow = 0;
    for (int i = 0; i < ORDER; i++)
        past[i] = mem[i];
    for (int n = 0; n < length; n++) {
        int32_t s = l_mult_of(x[n], a[0], &overflow);
        for (int i = 1; i <= ORDER; i++)
            s = l_msu_of(s, a[i], past[ORDER + n - i], &overflow);
        s = l_add_of(l_shl_of(s, 3, &overflow), 0x8000, &overflow);
        y[n] = past[ORDER + n] = high16(s);
    }
    return overflow;
}

static inline void plain_synthesis_filter(const int16_t a[COEFS], const int16_t *x, int16_t *y, int length,
                                          const int16_t mem[ORDER])
{
    plain_synthesis_of(a, x, y, length, mem);
}

/* A.3.5 and A.3.6: the impulse response of 1 / A(z / gamma), and the target from the residual. */
static inline void plain_impulse_and_target(const int16_t ap[COEFS], const int16_t *r, const int16_t mem[ORDER],
                                            int16_t *h, int16_t *target)
{
    static const int16_t zero[ORDER];
    int16_t unit[SUBFRAME] = {4096};
    plain_synthesis_of(ap, unit, h, SUBFRAME, zero);
    plain_synthesis_of(ap, r, target, SUBFRAME, mem);
}

/* A.3.4 eq. (A.4) at one delay. */
static inline int32_t plain_pitch_correlation(const int16_t *x, int lag)
{
    int32_t s = 0;
    for (int i = 0; i < FRAME; i += 2)
        s = l_mac(s, x[i], x[i - lag]);
    return s;
}

/* At delays 20 to 79, and the even ones from 80 to 142. */
static inline void plain_pitch_correlations(const int16_t *x, int32_t *r)
{
    for (int lag = PITCH_MIN; lag < 80; lag++)
        r[lag] = plain_pitch_correlation(x, lag);
    for (int lag = 80; lag < PITCH_MAX; lag += 2)
        r[lag] = plain_pitch_correlation(x, lag);
}

static inline int32_t plain_dot40_from(int32_t s, const int16_t *a, const int16_t *b)
{
    for (int i = 0; i < SUBFRAME; i++)
        s = l_mac(s, a[i], b[i]);
    return s;
}

/* a[] with x[] delayed by at most ten lags in a row. */
static inline void plain_lag_correlations(const int16_t *a, const int16_t *x, int lag_min, int lag_max, int32_t *r)
{
    for (int t = lag_min; t <= lag_max; t++)
        r[t - lag_min] = plain_dot40_from(0, a, x - t);
}

static inline int32_t plain_dot40_of(int32_t s, const int16_t *a, const int16_t *b, int *overflow)
{
    *overflow = 0;
    for (int i = 0; i < SUBFRAME; i++)
        s = l_mac_of(s, a[i], b[i], overflow);
    return s;
}

/* 3.8.1 eq. (52) and the x_b of eq. (A.7), scaled to 13 bits and a sign. */
static inline void plain_backward_filter(const int16_t *h, const int16_t *x, int16_t *d)
{
    int32_t y[SUBFRAME], max = 0;
    for (int i = 0; i < SUBFRAME; i++) {
        int32_t s = 0;
        for (int j = i; j < SUBFRAME; j++)
            s = l_mac(s, x[j], h[j - i]);
        y[i] = s;
        s = l_abs(s);
        if (s > max)
            max = s;
    }
    int shift = norm32(max) > 16 ? 16 : norm32(max);
    for (int i = 0; i < SUBFRAME; i++)
        d[i] = low16(l_shr(y[i], 18 - shift));
}

/* 3.7.1 eq. (40) with the twenty taps of one fraction. */
static inline void plain_interpolate_pitch(const int16_t *x, const int16_t taps[20], int16_t *out)
{
    for (int n = 0; n < SUBFRAME; n++) {
        int32_t s = 0;
        for (int i = 0; i < INTERP; i++) {
            s = l_mac(s, x[n - i], taps[INTERP - 1 - i]);
            s = l_mac(s, x[n + 1 + i], taps[INTERP + i]);
        }
        out[n] = round16(s);
    }
}

/* B.4.4: sums of twelve random numbers, near enough to Gaussian. */
static inline void plain_gaussian_samples(int16_t *seed, int16_t *out)
{
    for (int n = 0; n < SUBFRAME; n++) {
        int32_t sum = 0;
        for (int i = 0; i < 12; i++)
            sum += random_16(seed);
        out[n] = low16(sum >> 7);
    }
}

/* A.4.2.4: g(n) = 0.9 g(n - 1) + g0 from sample to sample, applied; returns the last. */
static inline int16_t plain_ramp_gain(int16_t *out, int16_t g, int16_t g0)
{
    for (int i = 0; i < SUBFRAME; i++) {
        g = add16(mult16(g, 29491), g0);
        out[i] = high16(l_shl(l_mult(out[i], g), 3));
    }
    return g;
}

/* 3.10 eq. (75). */
static inline void plain_build_excitation(int16_t *exc, const int16_t *code, int16_t gain_pitch, int16_t gain_code)
{
    for (int i = 0; i < SUBFRAME; i++)
        exc[i] = round16(l_shl(l_mac(l_mult(exc[i], gain_pitch), code[i], gain_code), 1));
}

/* 3.9.2: the best of four rows of GA by eight rows of GB. */
static inline void plain_gain_search(const dpf coef[5], int16_t predicted, int first_a, int first_b, int tame,
                                     int *best_a, int *best_b)
{
    int32_t min = MAX_32;
    *best_a = first_a;
    *best_b = first_b;
    for (int a = first_a; a < first_a + 4; a++)
        for (int b = first_b; b < first_b + 8; b++) {
            int16_t gp = add16(g729_gain_code_a[a][0], g729_gain_code_b[b][0]);
            if (tame && gp >= 16383)
                continue;
            int16_t gc = mult16(predicted, low16((g729_gain_code_a[a][1] + g729_gain_code_b[b][1]) >> 1));
            int32_t t = mpy_32_16(coef[0], mult16(gp, gp));
            t = l_add(t, mpy_32_16(coef[1], gp));
            t = l_add(t, mpy_32_16(coef[2], mult16(gc, gc)));
            t = l_add(t, mpy_32_16(coef[3], gc));
            t = l_add(t, mpy_32_16(coef[4], mult16(gc, gp)));
            if (t < min) {
                min = t;
                *best_a = a;
                *best_b = b;
            }
        }
}

/* 3.8.1: correlations phi'(q, p) with the signs in them, by track and position: row q = 5 j + b, column p = 5 i + a. */
typedef struct pulse_correlations {
    int16_t rows[5][8][5][8]; /* [b][j][a][i] */
    int16_t diagonal[5][8];   /* phi(p, p) */
} pulse_correlations;

static inline void plain_pulse_correlations(const int16_t *response, const int16_t *negative, pulse_correlations *phi)
{
    int16_t h[SUBFRAME];
    int32_t energy = plain_dot40_from(0, response, response);
    int shift = high16(energy) > 32000 ? -1 : norm32(energy) >> 1;
    for (int i = 0; i < SUBFRAME; i++)
        h[i] = shl16(response[i], shift);

    int32_t s = 0;
    for (int p = SUBFRAME - 1, n = 0; p >= 0; p--, n++) {
        s = l_mac(s, h[n], h[n]);
        phi->diagonal[p % 5][p / 5] = high16(s);
    }
    for (int d = 1; d < SUBFRAME; d++) {
        s = 0;
        for (int q = SUBFRAME - 1, n = 0; q >= d; q--, n++) {
            int p = q - d;
            s = l_mac(s, h[n], h[n + d]);
            int16_t v = mult16(high16(s), negative[p] == negative[q] ? MAX_16 : MIN_16);
            phi->rows[q % 5][q / 5][p % 5][p / 5] = v;
            phi->rows[p % 5][p / 5][q % 5][q / 5] = v;
        }
    }
}

/* A candidate of the tree search: a sum of correlations, its square, and the energy over sixteen (or four). */
typedef struct pulse_pair {
    int16_t square, energy, sum;
    int first, second;
} pulse_pair;

G729_INLINE int pulse_better(int16_t square, int16_t energy, int16_t best_square, int16_t best_energy)
{
    return l_msu(l_mult(best_energy, square), best_square, energy) > 0;
}

/* A.3.8.1, first half of a tree: the two best positions of one track against all of another. */
static inline pulse_pair plain_pulse_first_half(const int16_t *dn, const pulse_correlations *phi, int track, int other)
{
    pulse_pair best = {-1, 1, 0, track, other};
    int chosen = -1;
    for (int n = 0; n < 2; n++) {
        int previous = chosen;
        int16_t max = -1;
        for (int p = track; p < SUBFRAME; p += 5)
            if (dn[p] > max && p != previous) {
                max = dn[p];
                chosen = p;
            }
        const int16_t *row = phi->rows[track][chosen / 5][other];
        int32_t energy0 = l_mult(phi->diagonal[track][chosen / 5], 8192);
        for (int i = 0; i < 8; i++) {
            int p = other + 5 * i;
            int16_t sum = add16(dn[chosen], dn[p]);
            int16_t energy = round16(l_mac(l_mac(energy0, row[i], 16384), phi->diagonal[other][i], 8192));
            int16_t square = mult16(sum, sum);
            if (pulse_better(square, energy, best.square, best.energy))
                best = (pulse_pair){square, energy, sum, chosen, p};
        }
    }
    return best;
}

/* Second half: all pairs of the two tracks left, added to the pair found. */
static inline pulse_pair plain_pulse_second_half(const int16_t *dn, const pulse_correlations *phi, pulse_pair found,
                                                 int track, int other)
{
    const int16_t(*row0)[8] = phi->rows[found.first % 5][found.first / 5];
    const int16_t(*row1)[8] = phi->rows[found.second % 5][found.second / 5];
    pulse_pair best = {-1, 1, 0, track, other};
    int16_t cross[8];

    for (int i = 0; i < 8; i++)
        cross[i] = round16(l_mac(l_mac(l_mult(row0[other][i], 8192), row1[other][i], 8192),
                                 phi->diagonal[other][i], 4096));
    for (int j = 0; j < 8; j++) {
        int16_t sum0 = add16(found.sum, dn[track + 5 * j]);
        int32_t energy0 = l_mult(found.energy, 8192);
        energy0 = l_mac(l_mac(energy0, row0[track][j], 4096), row1[track][j], 4096);
        energy0 = l_mac(energy0, phi->diagonal[track][j], 2048);
        const int16_t *row = phi->rows[track][j][other];
        for (int i = 0; i < 8; i++) {
            int16_t sum = add16(sum0, dn[other + 5 * i]);
            int16_t energy = round16(l_mac(l_mac(energy0, row[i], 4096), cross[i], 16384));
            int16_t square = mult16(sum, sum);
            if (pulse_better(square, energy, best.square, best.energy))
                best = (pulse_pair){square, energy, sum, track + 5 * j, other + 5 * i};
        }
    }
    return best;
}

/* A.3.8.1: dn[] is made absolute; returns the signs, bit k for pulse k. */
static inline int plain_pulse_search(int16_t *dn, const int16_t *h, int position[4])
{
    int16_t negative[SUBFRAME];
    pulse_correlations phi;
    int16_t best_square = -1, best_energy = 1;

    for (int i = 0; i < SUBFRAME; i++) {
        negative[i] = dn[i] < 0;
        if (negative[i])
            dn[i] = neg16(dn[i]);
    }
    plain_pulse_correlations(h, negative, &phi);
    for (int i = 0; i < 4; i++)
        position[i] = i;
    for (int track = 3; track < 5; track++) {
        pulse_pair one = plain_pulse_first_half(dn, &phi, 2, track);
        pulse_pair two = plain_pulse_second_half(dn, &phi, one, 0, 1);
        if (pulse_better(two.square, two.energy, best_square, best_energy)) {
            best_square = two.square;
            best_energy = two.energy;
            position[0] = two.first;
            position[1] = two.second;
            position[2] = one.first;
            position[3] = one.second;
        }
        one = plain_pulse_first_half(dn, &phi, track, 0);
        two = plain_pulse_second_half(dn, &phi, one, 1, 2);
        if (pulse_better(two.square, two.energy, best_square, best_energy)) {
            best_square = two.square;
            best_energy = two.energy;
            position[0] = one.second;
            position[1] = two.first;
            position[2] = two.second;
            position[3] = one.first;
        }
    }
    int signs = 0;
    for (int k = 0; k < 4; k++)
        signs |= !negative[position[k]] << k;
    return signs;
}

#ifdef G729_VECTOR
#include "kernels_vector.h"
#else
#define window_speech plain_window_speech
#define correlate_window plain_correlate_window
#define chebyshev(x, f, wide, fits) plain_chebyshev(x, f, wide)
#define chebyshev_fits(f) 0
#define chebyshev_grid plain_chebyshev_grid
#define lsf_first_stage plain_lsf_first_stage
#define lsf_second_stage plain_lsf_second_stage
#define lp_residual plain_residual
#define synthesis_filter plain_synthesis_filter
#define synthesis_overflows(a, x, y, mem) plain_synthesis_of(a, x, y, SUBFRAME, mem)
#define impulse_and_target plain_impulse_and_target
#define pitch_correlation plain_pitch_correlation
#define pitch_correlations plain_pitch_correlations
#define dot40_from plain_dot40_from
#define dot40_of plain_dot40_of
#define lag_correlations plain_lag_correlations
#define ramp_gain plain_ramp_gain
#define gaussian_samples plain_gaussian_samples
#define backward_filter plain_backward_filter
#define interpolate_pitch plain_interpolate_pitch
#define build_excitation plain_build_excitation
#define gain_search plain_gain_search
#define pulse_search plain_pulse_search
#endif

#define dot40(a, b) dot40_from(0, a, b)

#endif
