/* SPDX-License-Identifier: Apache-2.0
 *
 * Line spectral pairs (3.2.3, A.3.2.3, 3.2.5, 3.2.6): from LP filters, back to them, and to frequencies.
 *
 * The roots of the two polynomials are found on a grid of 50 intervals with two bisections and a straight line, by
 * Chebyshev recursion in double precision. A filter whose ten roots are not all found keeps the last pairs.
 */
#include "state.h"
#include "tables.h"
#include "kernels.h"

/* 3.2.3 eq. (15): f1 and f2 in Q11, or in Q10 when Q11 overflows; returns whether it is Q10. */
static int lsp_polynomials(const int16_t *a, int16_t f1[6], int16_t f2[6])
{
    int overflow = 0;
    f1[0] = f2[0] = 2048;
    for (int i = 0; i < 5; i++) {
        f1[i + 1] = sub16_of((int16_t)((a[i + 1] + a[ORDER - i]) >> 1), f1[i], &overflow);
        f2[i + 1] = add16_of((int16_t)((a[i + 1] - a[ORDER - i]) >> 1), f2[i], &overflow);
    }
    if (!overflow)
        return 0;
    f1[0] = f2[0] = 1024;
    for (int i = 0; i < 5; i++) {
        f1[i + 1] = sub16((int16_t)((a[i + 1] + a[ORDER - i]) >> 2), f1[i]);
        f2[i + 1] = add16((int16_t)((a[i + 1] - a[ORDER - i]) >> 2), f2[i]);
    }
    return 1;
}

/* A.3.2.3: the crossing of the chord from (xlow, ylow) to (xhigh, yhigh). */
static int16_t chord_root(int16_t xlow, int16_t ylow, int16_t xhigh, int16_t yhigh)
{
    int16_t x = sub16(xhigh, xlow), y = sub16(yhigh, ylow);
    if (y == 0)
        return xlow;
    int negative = y < 0;
    y = abs16(y);
    int shift = norm16(y);
    y = div16(16383, shl16(y, shift));
    y = low16(l_shr(l_mult(x, y), 20 - shift));
    if (negative)
        y = neg16(y);
    return sub16(xlow, low16(l_mult(ylow, y) >> 11));
}

/* A.3.2.3: bisect twice. The middles of both halves are evaluated beside the first middle, not after it, since only
 * one of them is wanted but all three can go on at once. */
G729_INLINE void bisect_twice(const int16_t f[6], int wide, int fits, int16_t *xlow, int16_t *ylow, int16_t *xhigh,
                              int16_t *yhigh)
{
    int16_t xmid = (int16_t)((*xlow >> 1) + (*xhigh >> 1));
    int16_t x1 = (int16_t)((*xlow >> 1) + (xmid >> 1)), x2 = (int16_t)((xmid >> 1) + (*xhigh >> 1));
    int16_t ymid = chebyshev(xmid, f, wide, fits);
    int16_t y1 = chebyshev(x1, f, wide, fits), y2 = chebyshev(x2, f, wide, fits);
    if ((int32_t)*ylow * ymid <= 0) {
        *yhigh = ymid;
        *xhigh = xmid;
    } else {
        *ylow = ymid;
        *xlow = xmid;
        x1 = x2;
        y1 = y2;
    }
    if ((int32_t)*ylow * y1 <= 0) {
        *yhigh = y1;
        *xhigh = x1;
    } else {
        *ylow = y1;
        *xlow = x1;
    }
}

static void lp_to_lsp(const int16_t *a, int16_t lsp[ORDER], const int16_t last[ORDER])
{
    int16_t f[2][6], grid[2][56];
    int wide = lsp_polynomials(a, f[0], f[1]);
    chebyshev_grid(f[0], wide, grid[0]);
    chebyshev_grid(f[1], wide, grid[1]);

    int found = 0, which = 0, fits = chebyshev_fits(f[0]) && chebyshev_fits(f[1]);
    int16_t xlow = g729_lsp_grid[0], ylow = grid[0][0];
    for (int j = 1; j <= 50 && found < ORDER; j++) {
        int16_t xhigh = xlow, yhigh = ylow;
        xlow = g729_lsp_grid[j];
        ylow = grid[which][j];
        if ((int32_t)ylow * yhigh > 0)
            continue;
        bisect_twice(f[which], wide, fits, &xlow, &ylow, &xhigh, &yhigh);
        lsp[found++] = xlow = chord_root(xlow, ylow, xhigh, yhigh);
        which ^= 1;
        ylow = chebyshev(xlow, f[which], wide, fits);
    }
    if (found < ORDER)
        for (int i = 0; i < ORDER; i++)
            lsp[i] = last[i];
}

/* 3.2.6: the product of the five second-order factors with roots lsp[0], lsp[2], ..., in Q24. */
G729_INLINE void lsp_product(const int16_t *lsp, int32_t f[6])
{
    f[0] = l_mult(4096, 2048);
    f[1] = l_msu(0, lsp[0], 512);
    for (int i = 2; i <= 5; i++) {
        int16_t q = lsp[2 * (i - 1)];
        f[i] = f[i - 2];
        for (int j = i; j > 1; j--)
            f[j] = l_sub(l_add(f[j], f[j - 2]), l_shl(mpy_32_16(split32(f[j - 1]), q), 1));
        f[1] = l_msu(f[1], q, 512);
    }
}

static void lsp_to_lp(const int16_t lsp[ORDER], int16_t a[COEFS])
{
    int32_t f1[6], f2[6];
    lsp_product(lsp, f1);
    lsp_product(lsp + 1, f2);
    for (int i = 5; i > 0; i--) {
        f1[i] = l_add(f1[i], f1[i - 1]);
        f2[i] = l_sub(f2[i], f2[i - 1]);
    }
    a[0] = 4096;
    for (int i = 1, j = ORDER; i <= 5; i++, j--) {
        a[i] = low16(l_shr_r(l_add(f1[i], f2[i]), 13));
        a[j] = low16(l_shr_r(l_sub(f1[i], f2[i]), 13));
    }
}

/* 3.2.5 eq. (24): the filters of the two subframes. */
static void interpolate_lsp(const int16_t last[ORDER], const int16_t lsp[ORDER], int16_t a[2 * COEFS])
{
    int16_t mid[ORDER];
    for (int i = 0; i < ORDER; i++)
        mid[i] = (int16_t)((lsp[i] >> 1) + (last[i] >> 1));
    lsp_to_lp(mid, a);
    lsp_to_lp(lsp, a + COEFS);
}

/* B.3.1.1: frequencies over the sampling rate, Q15 (0.5 is 16384). */
static void lsp_to_normal_lsf(const int16_t lsp[ORDER], int16_t lsf[ORDER])
{
    int k = 63;
    for (int i = ORDER - 1; i >= 0; i--) {
        while (k > 0 && g729_cos_q15[k] < lsp[i])
            k--;
        int32_t t = l_shl(l_mult(sub16(lsp[i], g729_cos_q15[k]), g729_acos_slope[k]), 3);
        lsf[i] = add16(round16(t), (int16_t)(k << 8));
    }
}

/* 3.2.4 eq. (18): frequencies in radians, Q13. */
static void lsp_to_lsf(const int16_t lsp[ORDER], int16_t lsf[ORDER])
{
    int k = 63;
    for (int i = ORDER - 1; i >= 0; i--) {
        while (k > 0 && g729_cos2_q15[k] < lsp[i])
            k--;
        int32_t t = l_mult(g729_acos2_slope[k], sub16(lsp[i], g729_cos2_q15[k]));
        lsf[i] = mult16(add16((int16_t)(k << 9), low16(t >> 12)), 25736);
    }
}

static void lsf_to_lsp(const int16_t lsf[ORDER], int16_t lsp[ORDER])
{
    for (int i = 0; i < ORDER; i++) {
        int16_t f = mult16(lsf[i], 20861);
        int k = f >> 8 > 63 ? 63 : f >> 8;
        int32_t t = l_mult(g729_cos2_slope[k], (int16_t)(f & 0xff));
        lsp[i] = add16(g729_cos2_q15[k], low16(t >> 13));
    }
}
