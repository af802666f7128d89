/* SPDX-License-Identifier: Apache-2.0
 *
 * The two gains (3.9, 4.1.5): prediction of the code gain, and the conjugate-structure quantiser with pre-selection.
 *
 * Gains of the adaptive codebook are in Q14, those of the fixed codebook in Q1. The memory of the predictor is kept in
 * Q10 of dB, as the encoder and the decoder must agree on it bit for bit.
 */
#include "state.h"
#include "functions.h"
#include "kernels.h"

#define TAMED_GAIN ((int16_t)16383)      /* 0.9999 in Q14 */
#define TAMED_GAIN_Q9 ((int16_t)481)     /* 0.94 */
#define PRESELECT_INV ((int16_t)-17103)  /* Q19 */

/* 3.9.1 eqs. (66) to (71): the predicted gain, its exponent through `exponent`. */
static int16_t predict_gain(const int16_t past[MA_ORDER], const int16_t *code, int *exponent)
{
    int32_t t = mpy_32_16(log_2(dot40(code, code)), -24660);
    t = l_shl(l_mac(t, 32588, 32), 10);
    for (int i = 0; i < MA_ORDER; i++)
        t = l_mac(t, g729_gain_ma[i], past[i]);
    dpf x = split32(l_mult(high16(t), 5439) >> 8);
    *exponent = 14 - x.hi;
    return low16(power_of_2(14, x.lo));
}

G729_INLINE void remember_energy(int16_t past[MA_ORDER], int16_t energy)
{
    for (int i = MA_ORDER - 1; i > 0; i--)
        past[i] = past[i - 1];
    past[0] = energy;
}

/* Eq. (72), of the correction factor in Q13. */
static void update_gain_memory(int16_t past[MA_ORDER], int32_t correction)
{
    dpf x = log_2(correction);
    x.hi = sub16(x.hi, 13);
    remember_energy(past, mult16(high16(l_shl(join32(x), 13)), 24660));
}

/* Eqs. (73), (74) from codebook rows. */
static void compose_gains(int a, int b, int16_t predicted, int exponent, int16_t past[MA_ORDER], int16_t *gain_pitch,
                          int16_t *gain_code)
{
    int32_t correction = (int32_t)g729_gain_code_a[a][1] + g729_gain_code_b[b][1];
    *gain_pitch = add16(g729_gain_code_a[a][0], g729_gain_code_b[b][0]);
    *gain_code = high16(l_shl(l_mult(low16(correction >> 1), predicted), 4 - exponent));
    update_gain_memory(past, correction);
}

/* 4.1.5. */
static void decode_gains(int16_t index, const int16_t *code, int16_t past[MA_ORDER], int16_t *gain_pitch,
                         int16_t *gain_code)
{
    int exponent;
    int16_t predicted = predict_gain(past, code, &exponent);
    compose_gains(g729_gain_unmap_a[index >> 4 & 7], g729_gain_unmap_b[index & 15], predicted, exponent, past,
                  gain_pitch, gain_code);
}

/* 3.9.2: the correlations with the filtered code vector; entries 2 to 4 of g[] and their exponents. */
static void code_correlations(const int16_t *x, const int16_t *y1, const int16_t *y2, int16_t g[5], int exponent[5])
{
    int16_t eighth[48];
    for (int i = 0; i < SUBFRAME; i++)
        eighth[i] = y2[i] >> 3;

    int32_t s = dot40_from(1, eighth, eighth);
    int norm = norm32(s);
    g[2] = round16(l_shl(s, norm));
    exponent[2] = norm + 19 - 16;

    s = dot40_from(1, x, eighth);
    norm = norm32(s);
    g[3] = neg16(round16(l_shl(s, norm)));
    exponent[3] = norm + 10 - 16 - 1;

    s = dot40_from(1, y1, eighth);
    norm = norm32(s);
    g[4] = round16(l_shl(s, norm));
    exponent[4] = norm + 10 - 16 - 1;
}

/* a * b - c * d of mantissas with exponents, halved; the mantissa comes back normalised. */
G729_INLINE int16_t cross_product(int32_t ab, int exp_ab, int32_t cd, int exp_cd, int halve, int *exponent)
{
    int32_t t;
    if (exp_ab > exp_cd) {
        t = l_sub(l_shr(ab, exp_ab - exp_cd + halve), l_shr(cd, halve));
        *exponent = exp_cd - halve;
    } else {
        t = l_sub(l_shr(ab, halve), l_shr(cd, exp_cd - exp_ab + halve));
        *exponent = exp_ab - halve;
    }
    int norm = norm32(t);
    *exponent += norm - 16;
    return high16(l_shl(t, norm));
}

/* The unquantised optimum of eq. (63): best[0] in Q9, best[1] in Q2. */
static void best_gains(const int16_t g[5], const int e[5], int16_t best[2])
{
    int exp_den, exp_num;
    int16_t den = cross_product(l_mult(g[0], g[2]), e[0] + e[2] - 1, l_mult(g[4], g[4]), 2 * e[4] + 1, 0, &exp_den);
    int16_t inverse = neg16(div16(16384, den));
    int exp_inverse = 14 + 15 - exp_den;

    int16_t num = cross_product(l_mult(g[2], g[1]), e[2] + e[1], l_mult(g[3], g[4]), e[3] + e[4] + 1, 1, &exp_num);
    best[0] = high16(l_shr(l_mult(num, inverse), exp_num + exp_inverse - (9 + 16 - 1)));

    num = cross_product(l_mult(g[0], g[3]), e[0] + e[3], l_mult(g[1], g[4]), e[1] + e[4] + 1, 1, &exp_num);
    best[1] = high16(l_shr(l_mult(num, inverse), exp_num + exp_inverse - (2 + 16 - 1)));
}

/* 3.9.2: the first of four rows of GA and of eight rows of GB; `predicted` in Q4. */
static void preselect_gains(const int16_t best[2], int16_t predicted, int *first_a, int *first_b)
{
    int32_t line = l_mult(g729_gain_coef[0][0], best[0]);

    int16_t t = high16(l_add(line, g729_gain_coef32[1][1] >> 15));
    int32_t d = l_sub(l_shl(best[1], 7), l_mult(t, predicted));
    int32_t x = l_mult(high16(l_shl(d, 2)), PRESELECT_INV);

    t = mult16(high16(l_sub(line, g729_gain_coef32[0][1] >> 10)), predicted);
    d = l_sub(l_mult(t, g729_gain_coef[1][0]), l_mult(g729_gain_coef[0][0], best[1]) >> 3);
    int32_t y = l_mult(high16(l_shl(d, 2)), PRESELECT_INV);

    int a = 0, b = 0;
    if (predicted > 0) {
        while (a < 4 && y > l_mult(g729_gain_thr_a[a], predicted) >> 3)
            a++;
        while (b < 8 && x > l_mult(g729_gain_thr_b[b], predicted) >> 5)
            b++;
    } else {
        while (a < 4 && y < l_mult(g729_gain_thr_a[a], predicted) >> 3)
            a++;
        while (b < 8 && x < l_mult(g729_gain_thr_b[b], predicted) >> 5)
            b++;
    }
    *first_a = a;
    *first_b = b;
}

/* 3.9.2: quantise; g[] and e[] are the five correlations of eq. (63). Returns the transmitted index. */
static int16_t quantise_gains(const int16_t *code, const int16_t g[5], const int e[5], int tame,
                              int16_t past[MA_ORDER], int16_t *gain_pitch, int16_t *gain_code)
{
    int exponent, first_a, first_b, a, b;
    int16_t best[2];
    int16_t predicted = predict_gain(past, code, &exponent);

    best_gains(g, e, best);
    if (tame && best[0] > TAMED_GAIN_Q9)
        best[0] = TAMED_GAIN_Q9;
    int16_t predicted_q4 = exponent >= 4 ? shr16(predicted, exponent - 4) : high16(l_shl(predicted, 20 - exponent));
    preselect_gains(best, predicted_q4, &first_a, &first_b);

    int e_min[5] = {e[0] + 13, e[1] + 14, e[2] + 2 * exponent - 21, e[3] + exponent - 3, e[4] + exponent - 4};
    int min = e_min[0];
    dpf coef[5];
    for (int i = 1; i < 5; i++)
        if (e_min[i] < min)
            min = e_min[i];
    for (int i = 0; i < 5; i++)
        coef[i] = split32(l_shr(deposit_high(g[i]), e_min[i] - min));

    gain_search(coef, predicted, first_a, first_b, tame, &a, &b);
    compose_gains(a, b, predicted, exponent, past, gain_pitch, gain_code);
    return (int16_t)(g729_gain_map_a[a] * 16 + g729_gain_map_b[b]);
}
