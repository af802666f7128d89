/* SPDX-License-Identifier: Apache-2.0
 *
 * The predictive two-stage quantiser of the line spectral frequencies (3.2.4) and its inverse (4.1.1).
 *
 * Frequencies are in Q13. The searches take the first of equal candidates; the rearrangement for a minimum distance
 * and the stability check follow the order of the text. The SID quantiser of Annex B shares the prediction from here.
 */
#include "state.h"
#include "tables.h"
#include "kernels.h"

#define LSF_MIN ((int16_t)40)      /* 0.005 */
#define LSF_MAX ((int16_t)25681)   /* 3.135 */
#define LSF_GAP1 ((int16_t)10)     /* 0.0012 */
#define LSF_GAP2 ((int16_t)5)      /* 0.0006 */
#define LSF_GAP3 ((int16_t)321)    /* 0.0392 */

/* What is left to quantise once the prediction is taken off; also eq. (92) for an erased frame. */
static void lsf_unpredict(const int16_t lsf[ORDER], int16_t rest[ORDER], const int16_t ma[MA_ORDER][ORDER],
                          const int16_t past[MA_ORDER][ORDER], const int16_t *rest_inv)
{
    for (int i = 0; i < ORDER; i++) {
        int32_t t = deposit_high(lsf[i]);
        for (int k = 0; k < MA_ORDER; k++)
            t = l_msu(t, past[k][i], ma[k][i]);
        rest[i] = high16(l_shl(l_mult(high16(t), rest_inv[i]), 3));
    }
}

/* Eq. (20). */
static void lsf_predict(const int16_t code[ORDER], int16_t lsf[ORDER], const int16_t ma[MA_ORDER][ORDER],
                        const int16_t past[MA_ORDER][ORDER], const int16_t *rest)
{
    for (int i = 0; i < ORDER; i++) {
        int32_t t = l_mult(code[i], rest[i]);
        for (int k = 0; k < MA_ORDER; k++)
            t = l_mac(t, past[k][i], ma[k][i]);
        lsf[i] = high16(t);
    }
}

static void lsf_remember(int16_t past[MA_ORDER][ORDER], const int16_t code[ORDER])
{
    for (int k = MA_ORDER - 1; k > 0; k--)
        for (int i = 0; i < ORDER; i++)
            past[k][i] = past[k - 1][i];
    for (int i = 0; i < ORDER; i++)
        past[0][i] = code[i];
}

/* The rearrangement of 3.2.4 over code[from - 1] .. code[to - 1]. */
G729_INLINE void lsf_spread(int16_t *code, int from, int to, int16_t gap)
{
    for (int i = from; i < to; i++) {
        int16_t t = (int16_t)(add16(sub16(code[i - 1], code[i]), gap) >> 1);
        if (t > 0) {
            code[i - 1] = sub16(code[i - 1], t);
            code[i] = add16(code[i], t);
        }
    }
}

/* The stability check that ends 3.2.4. */
static void lsf_stabilise(int16_t lsf[ORDER])
{
    for (int i = 0; i < ORDER - 1; i++)
        if (lsf[i + 1] < lsf[i]) {
            int16_t t = lsf[i + 1];
            lsf[i + 1] = lsf[i];
            lsf[i] = t;
        }
    if (lsf[0] < LSF_MIN)
        lsf[0] = LSF_MIN;
    for (int i = 0; i < ORDER - 1; i++)
        if (lsf[i + 1] - lsf[i] < LSF_GAP3)
            lsf[i + 1] = add16(lsf[i], LSF_GAP3);
    if (lsf[ORDER - 1] > LSF_MAX)
        lsf[ORDER - 1] = LSF_MAX;
}

/* Eq. (22): weights, normalised. */
static void lsf_weights(const int16_t lsf[ORDER], int16_t w[ORDER])
{
    int16_t d[ORDER], max = 0;
    d[0] = sub16(lsf[1], 1029 + 8192);
    for (int i = 1; i < ORDER - 1; i++)
        d[i] = sub16(sub16(lsf[i + 1], lsf[i - 1]), 8192);
    d[ORDER - 1] = sub16(23677 - 8192, lsf[ORDER - 2]);
    for (int i = 0; i < ORDER; i++) {
        if (d[i] > 0) {
            w[i] = 2048;
        } else {
            int16_t t = high16(l_shl(l_mult(d[i], d[i]), 2));
            w[i] = add16(high16(l_shl(l_mult(t, 20480), 2)), 2048);
        }
    }
    for (int i = 4; i <= 5; i++)
        w[i] = high16(l_shl(l_mult(w[i], 19661), 1));
    for (int i = 0; i < ORDER; i++)
        if (w[i] > max)
            max = w[i];
    int shift = norm16(max);
    for (int i = 0; i < ORDER; i++)
        w[i] = shl16(w[i], shift);
}

/* Eq. (21) over the whole vector, for the choice of the predictor. */
static int32_t lsf_distance(const int16_t w[ORDER], const int16_t code[ORDER], const int16_t target[ORDER],
                            const int16_t *rest)
{
    int32_t sum = 0;
    for (int i = 0; i < ORDER; i++) {
        int16_t t = mult16(sub16(code[i], target[i]), rest[i]);
        sum = l_mac(sum, high16(l_shl(l_mult(w[i], t), 4)), t);
    }
    return sum;
}

/* From the four indices to frequencies, with the memory of the predictor brought up to date. */
static void lsf_reconstruct(int mode, int first, int low, int high, int16_t past[MA_ORDER][ORDER], int16_t lsf[ORDER])
{
    int16_t code[ORDER];
    for (int i = 0; i < 5; i++) {
        code[i] = add16(g729_lsp_code1[first][i], g729_lsp_code2[low][i]);
        code[i + 5] = add16(g729_lsp_code1[first][i + 5], g729_lsp_code2[high][i + 5]);
    }
    lsf_spread(code, 1, ORDER, LSF_GAP1);
    lsf_spread(code, 1, ORDER, LSF_GAP2);
    lsf_predict(code, lsf, g729_lsp_ma[mode], past, g729_lsp_ma_rest[mode]);
    lsf_remember(past, code);
    lsf_stabilise(lsf);
}

/* 3.2.4: quantise lsp[] into the two words of Table 8 and lsp_q[]. */
static void lsp_quantise(const int16_t lsp[ORDER], int16_t past[MA_ORDER][ORDER], int16_t params[2],
                         int16_t lsp_q[ORDER])
{
    int16_t lsf[ORDER], w[ORDER], target[16], code[ORDER];
    int first[2], low[2], high[2];
    int32_t distance[2];

    lsp_to_lsf(lsp, lsf);
    lsf_weights(lsf, w);
    for (int mode = 0; mode < 2; mode++) {
        lsf_unpredict(lsf, target, g729_lsp_ma[mode], past, g729_lsp_ma_rest_inv[mode]);
        first[mode] = lsf_first_stage(target);
        const int16_t *base = g729_lsp_code1[first[mode]];
        low[mode] = lsf_second_stage(target, base, w, 0);
        for (int i = 0; i < 5; i++)
            code[i] = add16(base[i], g729_lsp_code2[low[mode]][i]);
        lsf_spread(code, 1, 5, LSF_GAP1);
        high[mode] = lsf_second_stage(target, base, w, 5);
        for (int i = 5; i < ORDER; i++)
            code[i] = add16(base[i], g729_lsp_code2[high[mode]][i]);
        lsf_spread(code, 5, ORDER, LSF_GAP1);
        lsf_spread(code, 1, ORDER, LSF_GAP2);
        distance[mode] = lsf_distance(w, code, target, g729_lsp_ma_rest[mode]);
    }
    int mode = distance[1] < distance[0];
    params[0] = (int16_t)((mode << 7) | first[mode]);
    params[1] = (int16_t)((low[mode] << 5) | high[mode]);
    lsf_reconstruct(mode, first[mode], low[mode], high[mode], past, lsf);
    lsf_to_lsp(lsf, lsp_q);
}

/* 4.1.1: the inverse. */
static void lsp_decode(g729_decoder *s, const int16_t params[2], int16_t lsp[ORDER])
{
    s->ma_mode = (params[0] >> 7) & 1;
    lsf_reconstruct(s->ma_mode, params[0] & 127, (params[1] >> 5) & 31, params[1] & 31, s->lsf_past, s->lsf_last);
    lsf_to_lsp(s->lsf_last, lsp);
}
