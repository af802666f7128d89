/* SPDX-License-Identifier: Apache-2.0
 *
 * The mathematical functions of clause 5.2 (Table 15): powers and logarithms of two, roots, and random numbers.
 *
 * Each reads a table and interpolates on a straight line, as the bit-exact description does; any better approximation
 * would give other bits. The random generators are those of 4.4.4 eq. (96) and of B.4.4.
 */
#ifndef SWITCHROOM_G729_FUNCTIONS_H
#define SWITCHROOM_G729_FUNCTIONS_H

#include "fixed.h"
#include "tables.h"

/* table[i] + (table[i+1] - table[i]) * fraction, in Q16 of the table's unit. */
G729_INLINE int32_t interpolate(const int16_t *table, int i, int16_t fraction)
{
    return l_msu(deposit_high(table[i]), sub16(table[i], table[i + 1]), fraction);
}

/* 2^(exponent + fraction) with the fraction in Q15. */
G729_INLINE int32_t power_of_2(int exponent, int16_t fraction)
{
    int32_t x = l_mult(fraction, 32);
    return l_shr_r(interpolate(g729_pow2_q14, high16(x), (int16_t)((x >> 1) & 0x7fff)), 30 - exponent);
}

/* log2(x) = hi + lo / 2^15; 0 for x <= 0. */
G729_INLINE dpf log_2(int32_t x)
{
    if (x <= 0)
        return (dpf){0, 0};
    int exponent = norm32(x);
    x = l_shl(x, exponent) >> 9;
    return (dpf){(int16_t)(30 - exponent),
                 high16(interpolate(g729_log2_q15, high16(x) - 32, (int16_t)((x >> 1) & 0x7fff)))};
}

/* 1 / sqrt(x) in Q30. */
G729_INLINE int32_t inv_sqrt(int32_t x)
{
    if (x <= 0)
        return 0x3fffffff;
    int exponent = norm32(x);
    x = l_shl(x, exponent);
    exponent = 30 - exponent;
    if ((exponent & 1) == 0)
        x >>= 1;
    exponent = (exponent >> 1) + 1;
    x >>= 9;
    return l_shr(interpolate(g729_inv_sqrt_q15, high16(x) - 16, (int16_t)((x >> 1) & 0x7fff)), exponent);
}

/* The largest even y below 2^15 with 2 y^2 <= x (B.4.4). */
G729_INLINE int16_t square_root(int32_t x)
{
    int16_t root = 0, bit = 0x4000;
    for (int i = 0; i < 14; i++, bit >>= 1) {
        int16_t tried = add16(root, bit);
        if (x >= l_mult(tried, tried))
            root = tried;
    }
    return root;
}

/* 4.4.4 eq. (96). */
G729_INLINE int16_t random_16(int16_t *seed)
{
    *seed = (int16_t)((uint32_t)(int32_t)*seed * 31821u + 13849u);
    return *seed;
}

#endif
