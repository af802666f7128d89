/* SPDX-License-Identifier: Apache-2.0 */
#include "g722_adpcm.h"

#include <string.h>

/* Tables of the Recommendation, section 6.2. */
static const int16_t QMF[12] = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};
static const int16_t Q6[30] = {0,   35,  72,  110, 150,  190,  233,  276,  323,  370,  422,  473,  530,  587,  650,
                               714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919};
static const int16_t QM6[64] = {
    -136,   -136,   -136,   -136,   -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360,  -8576,  -7856,  -7192,  -6576,  -6000,  -5456,  -4944,  -4464,  -4008,  -3576,  -3168,  -2776,
    -2400,  -2032,  -1688,  -1360,  -1040,  -728,   24808,  21904,  19008,  16704,  14984,  13512,  12280,
    11192,  10232,  9360,   8576,   7856,   7192,   6576,   6000,   5456,   4944,   4464,   4008,   3576,
    3168,   2776,   2400,   2032,   1688,   1360,   1040,   728,    432,    136,    -432,   -136};
static const int16_t QM4[16] = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
static const int16_t QM2[4] = {-7408, -1616, 7408, 1616};
static const int16_t WL[16] = {-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60};
static const int16_t WH[4] = {798, -214, 798, -214};
static const int16_t ILB[32] = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};

static int saturate(int x)
{
    return x > 32767 ? 32767 : x < -32768 ? -32768 : x;
}

static int limit(int x, int least, int most)
{
    return x < least ? least : x > most ? most : x;
}

void sr_g722_init(sr_g722 *g)
{
    memset(g, 0, sizeof *g);
    g->low.det = 32;
    g->high.det = 8;
}

/* Block 4: the adaptive predictor, from the quantised difference d to the next estimate. */
static void predict(sr_g722_band *n, int d)
{
    int b[7], step = d == 0 ? 0 : 128, sum = 0;

    /* RECONS, PARREC */
    n->d[0] = d;
    n->r[0] = saturate(n->s + d);
    n->p[0] = saturate(n->sz + d);

    /* UPPOL2 */
    int same1 = (n->p[0] ^ n->p[1]) >= 0, same2 = (n->p[0] ^ n->p[2]) >= 0;
    int wd = saturate(n->a[1] * 4);
    wd = same1 ? -wd : wd;
    wd = wd > 32767 ? 32767 : wd;
    int a2 = limit((same2 ? 128 : -128) + (wd >> 7) + ((n->a[2] * 32512) >> 15), -12288, 12288);

    /* UPPOL1 */
    int bound = saturate(15360 - a2);
    int a1 = limit(saturate((same1 ? 192 : -192) + ((n->a[1] * 32640) >> 15)), -bound, bound);

    /* UPZERO */
    for (int i = 1; i < 7; i++)
        b[i] = saturate(((n->d[i] ^ d) >= 0 ? step : -step) + ((n->b[i] * 32640) >> 15));

    /* DELAYA */
    for (int i = 6; i > 0; i--) {
        n->d[i] = n->d[i - 1];
        n->b[i] = b[i];
    }
    for (int i = 2; i > 0; i--) {
        n->r[i] = n->r[i - 1];
        n->p[i] = n->p[i - 1];
    }
    n->a[1] = a1;
    n->a[2] = a2;

    /* FILTEP, FILTEZ, PREDIC */
    n->sp = saturate(((a1 * saturate(2 * n->r[1])) >> 15) + ((a2 * saturate(2 * n->r[2])) >> 15));
    for (int i = 6; i > 0; i--)
        sum += (n->b[i] * saturate(2 * n->d[i])) >> 15;
    n->sz = saturate(sum);
    n->s = saturate(n->sp + n->sz);
}

/* Block 3: the scale factor, LOGSCL/LOGSCH and SCALEL/SCALEH. */
static void scale(sr_g722_band *n, int weight, int most, int shift)
{
    n->nb = limit(((n->nb * 127) >> 7) + weight, 0, most);
    int by = shift - (n->nb >> 11), value = ILB[(n->nb >> 6) & 31];
    n->det = (by < 0 ? value << -by : value >> by) << 2;
}

/* Blocks 2L, 3L, 4L: both coder and decoder go on from the four leading bits of the six. */
static void adapt_low(sr_g722_band *n, int ril)
{
    int d = (n->det * QM4[ril]) >> 15;
    scale(n, WL[ril], 18432, 8);
    predict(n, d);
}

static void adapt_high(sr_g722_band *n, int ih)
{
    int d = (n->det * QM2[ih]) >> 15;
    scale(n, WH[ih], 22528, 10);
    predict(n, d);
}

/* QUANTL: the interval of the difference, as the six-bit code. */
static int quantise_low(const sr_g722_band *n, int xl)
{
    int e = saturate(xl - n->s), size = e >= 0 ? e : -(e + 1), i = 1;
    while (i < 30 && size >= (Q6[i] * n->det) >> 12)
        i++;
    if (e >= 0)
        return 62 - i < 32 ? 32 : 62 - i;
    return i == 1 ? 63 : i == 2 ? 62 : 34 - i;
}

static int quantise_high(const sr_g722_band *n, int xh)
{
    int e = saturate(xh - n->s), size = e >= 0 ? e : -(e + 1);
    int outer = size >= (564 * n->det) >> 12;
    return (e >= 0 ? 3 : 1) - outer;
}

void sr_g722_encode(sr_g722 *g, const int16_t *pcm, int samples, uint8_t *code)
{
    for (int i = 0; i + 1 < samples; i += 2) {
        int odd = 0, even = 0;
        memmove(g->x, g->x + 2, 22 * sizeof *g->x);
        g->x[22] = pcm[i];
        g->x[23] = pcm[i + 1];
        for (int k = 0; k < 12; k++) {
            odd += g->x[2 * k] * QMF[k];
            even += g->x[2 * k + 1] * QMF[11 - k];
        }
        int il = quantise_low(&g->low, (even + odd) >> 14), ih = quantise_high(&g->high, (even - odd) >> 14);
        adapt_low(&g->low, il >> 2);
        adapt_high(&g->high, ih);
        code[i / 2] = (uint8_t)(ih << 6 | il);
    }
}

void sr_g722_decode(sr_g722 *g, const uint8_t *code, int bytes, int16_t *pcm)
{
    for (int i = 0; i < bytes; i++) {
        int il = code[i] & 63, ih = code[i] >> 6, first = 0, second = 0;
        int rl = limit(g->low.s + ((g->low.det * QM6[il]) >> 15), -16384, 16383);
        int rh = limit(g->high.s + ((g->high.det * QM2[ih]) >> 15), -16384, 16383);
        adapt_low(&g->low, il >> 2);
        adapt_high(&g->high, ih);
        memmove(g->x, g->x + 2, 22 * sizeof *g->x);
        g->x[22] = (int16_t)(rl + rh);
        g->x[23] = (int16_t)(rl - rh);
        for (int k = 0; k < 12; k++) {
            second += g->x[2 * k] * QMF[k];
            first += g->x[2 * k + 1] * QMF[11 - k];
        }
        pcm[2 * i] = (int16_t)saturate(first >> 11);
        pcm[2 * i + 1] = (int16_t)saturate(second >> 11);
    }
}
