/* SPDX-License-Identifier: Apache-2.0
 *
 * LP analysis (3.2.1, 3.2.2): windowed autocorrelation, lag window and the Levinson-Durbin recursion.
 *
 * The recursion runs in double precision and falls back on the last stable filter when a reflection coefficient comes
 * close to one. Annex B takes thirteen correlations from here (B.3.1), and the residual energy of the recursion.
 */
#include "state.h"
#include "tables.h"
#include "kernels.h"

/* 3.2.1 eqs. (4), (5): r[k] normalised by r[0]; returns the exponent of r[0] that Annex B keeps beside it. */
static int16_t autocorrelation(const int16_t *speech, dpf r[VAD_ORDER + 1])
{
    int16_t y[WINDOW + 16];
    int32_t sum[VAD_ORDER + 1];
    int exponent = 1;

    window_speech(speech, y);
    while (!correlate_window(y, sum)) {
        for (int i = 0; i < WINDOW; i++)
            y[i] >>= 2;
        exponent += 4;
    }
    int norm = norm32(sum[0]);
    for (int k = 0; k <= VAD_ORDER; k++)
        r[k] = split32(l_shl(sum[k], norm));
    return (int16_t)(exponent - norm);
}

/* 3.2.1 eqs. (6), (7). */
static void lag_window(dpf r[VAD_ORDER + 1])
{
    for (int k = 1; k <= VAD_ORDER; k++)
        r[k] = split32(mpy_32(r[k], (dpf){g729_lag_window_hi[k - 1], g729_lag_window_lo[k - 1]}));
}

/* 3.2.2: a[] in Q12, the first two reflection coefficients in Q15; `error` (where wanted) the residual energy, which
 * stays as it was when the filter is unstable. */
static void levinson(levinson_state *s, const dpf r[COEFS], int16_t a[COEFS], int16_t rc[2], int16_t *error)
{
    dpf coef[COEFS], next[COEFS];

    int32_t t = join32(r[1]);
    int32_t q = div_32(l_abs(t), r[0]);
    if (t > 0)
        q = l_neg(q);
    dpf k = split32(q);
    rc[0] = k.hi;
    coef[1] = split32(q >> 4);

    t = mpy_32(r[0], split32(l_sub(MAX_32, l_abs(mpy_32(k, k)))));
    int alpha_shift = norm32(t);
    dpf alpha = split32(l_shl(t, alpha_shift));

    for (int i = 2; i <= ORDER; i++) {
        t = 0;
        for (int j = 1; j < i; j++)
            t = l_add(t, mpy_32(r[j], coef[i - j]));
        t = l_add(l_shl(t, 4), join32(r[i]));
        q = div_32(l_abs(t), alpha);
        if (t > 0)
            q = l_neg(q);
        q = l_shl(q, alpha_shift);
        k = split32(q);
        if (i == 2)
            rc[1] = k.hi;
        if (abs16(k.hi) > 32750) {
            for (int j = 0; j <= ORDER; j++)
                a[j] = s->a[j];
            rc[0] = s->k[0];
            rc[1] = s->k[1];
            return;
        }
        for (int j = 1; j < i; j++)
            next[j] = split32(l_add(mpy_32(k, coef[i - j]), join32(coef[j])));
        next[i] = split32(q >> 4);

        t = mpy_32(alpha, split32(l_sub(MAX_32, l_abs(mpy_32(k, k)))));
        int shift = norm32(t);
        alpha = split32(l_shl(t, shift));
        alpha_shift += shift;
        for (int j = 1; j <= i; j++)
            coef[j] = next[j];
    }
    if (error)
        *error = shr16(alpha.hi, alpha_shift);
    a[0] = s->a[0] = 4096;
    for (int j = 1; j <= ORDER; j++)
        a[j] = s->a[j] = round16(l_shl(join32(coef[j]), 1));
    s->k[0] = rc[0];
    s->k[1] = rc[1];
}
