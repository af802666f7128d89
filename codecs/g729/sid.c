/* SPDX-License-Identifier: Apache-2.0
 *
 * The silence descriptor (B.4.2): quantisers of its energy and of its line spectral frequencies, and their inverses.
 *
 * The energy is logarithmic with 5 bits. The frequencies take a predictor, 5 bits of a subset of L1 and 4 bits of a
 * subset of L2 and L3, searched with four survivors of the first stage.
 */
#include "state.h"
#include "functions.h"

enum { SURVIVORS = 4 };

/* B.4.2.1: x * 2^-shift to an index, and to dB through `decibels`. */
static int quantise_energy(int32_t x, int shift, int16_t *decibels)
{
    dpf l = log_2(x);
    int16_t e = add16(shl16(sub16(l.hi, (int16_t)shift), 10), mult_r16(l.lo, 1024));
    int index;
    if (e <= -2721) {
        *decibels = -12;
        return 0;
    }
    if (e > 22111) {
        *decibels = 66;
        return 31;
    }
    if (e <= 4762) {
        index = mult16(add16(e, 3401), 24);
        index = index < 1 ? 1 : index;
        *decibels = (int16_t)(4 * index - 8);
        return index;
    }
    index = (mult16(sub16(e, 340), 193) >> 2) - 1;
    index = index < 6 ? 6 : index;
    *decibels = (int16_t)(2 * index + 4);
    return index;
}

/* Eq. (B.15): `count` energies of the encoder (1 or 2), or 0 for the decoder's own energy of the last speech frame. */
static int quantise_sid_gain(const int16_t *energy, const int16_t *shift, int count, int16_t *decibels)
{
    if (count == 0) {
        int32_t x = l_shl(energy[0], shift[0]);
        return quantise_energy(mpy_32_16(split32(x), g729_sid_gain_factor[0]), 0, decibels);
    }
    int least = shift[0];
    for (int i = 1; i < count; i++)
        if (shift[i] < least)
            least = shift[i];
    least += 16 - g729_sid_gain_margin[count];
    int32_t sum = 0;
    for (int i = 0; i < count; i++)
        sum = l_add(sum, l_shl(energy[i], least - shift[i]));
    return quantise_energy(mpy_32_16(split32(sum), g729_sid_gain_factor[count]), least, decibels);
}

/* From the three indices to spectral pairs; the memory of the predictor is the speech quantiser's. */
static void sid_lsp_decode(const int16_t index[3], int16_t past[MA_ORDER][ORDER], int16_t lsp[ORDER])
{
    int16_t code[ORDER], lsf[ORDER];
    for (int i = 0; i < ORDER; i++) {
        int row = g729_sid_code2[i >= 5][index[2]];
        code[i] = add16(g729_lsp_code1[g729_sid_code1[index[1]]][i], g729_lsp_code2[row][i]);
    }
    for (int i = 1; i < ORDER; i++) {
        int16_t t = high16(l_mac(l_mac(l_mult(code[i - 1], 16384), code[i], -16384), LSF_GAP1, 16384));
        if (t > 0) {
            code[i - 1] = sub16(code[i - 1], t);
            code[i] = add16(code[i], t);
        }
    }
    lsf_predict(code, lsf, g729_sid_ma[index[0]], past, g729_sid_ma_rest[index[0]]);
    lsf_remember(past, code);
    lsf_stabilise(lsf);
    lsf_to_lsp(lsf, lsp);
}

/* The first stage: four survivors over both predictors; their remainders, modes and indices. */
static void sid_first_stage(int16_t target[2][ORDER], int16_t rest[SURVIVORS][ORDER], int16_t mode[SURVIVORS],
                            int16_t index[SURVIVORS])
{
    int16_t error[2][32];
    for (int p = 0; p < 2; p++)
        for (int m = 0; m < 32; m++) {
            int32_t sum = 0;
            for (int i = 0; i < ORDER; i++) {
                int16_t d = sub16(target[p][i], g729_lsp_code1[g729_sid_code1[m]][i]);
                sum = l_mac(sum, d, d);
            }
            error[p][m] = mult16(high16(sum), g729_sid_mode_weight[p]);
        }
    for (int q = 0; q < SURVIVORS; q++) {
        int16_t min = MAX_16;
        mode[q] = index[q] = 0;
        for (int p = 0; p < 2; p++)
            for (int m = 0; m < 32; m++)
                if (error[p][m] < min) {
                    min = error[p][m];
                    mode[q] = (int16_t)p;
                    index[q] = (int16_t)m;
                }
        error[mode[q]][index[q]] = MAX_16;
        for (int i = 0; i < ORDER; i++)
            rest[q][i] = sub16(target[mode[q]][i], g729_lsp_code1[g729_sid_code1[index[q]]][i]);
    }
}

/* The second stage: the best survivor, its index through `index`. */
static int sid_second_stage(int16_t rest[SURVIVORS][ORDER], const int16_t mode[SURVIVORS], const int16_t w[ORDER],
                            int16_t *index)
{
    int16_t min = MAX_16;
    int best = 0;
    *index = 0;
    for (int q = 0; q < SURVIVORS; q++)
        for (int m = 0; m < 16; m++) {
            int32_t sum = 0;
            for (int i = 0; i < ORDER; i++) {
                int16_t scale = g729_sid_ma_rest[mode[q]][i];
                int16_t t = mult16(high16(l_shl(l_mult(scale, scale), 2)), w[i]);
                int16_t d = sub16(rest[q][i], g729_lsp_code2[g729_sid_code2[i >= 5][m]][i]);
                sum = l_mac(sum, high16(l_shl(l_mult(t, d), 3)), d);
            }
            if (high16(sum) < min) {
                min = high16(sum);
                best = q;
                *index = (int16_t)m;
            }
        }
    return best;
}

/* B.4.2.2: quantise into index[] and lsp_q[]. */
static void sid_lsp_quantise(const int16_t lsp[ORDER], int16_t past[MA_ORDER][ORDER], int16_t index[3],
                             int16_t lsp_q[ORDER])
{
    int16_t lsf[ORDER], w[ORDER], target[2][ORDER], rest[SURVIVORS][ORDER], mode[SURVIVORS], first[SURVIVORS];

    lsp_to_lsf(lsp, lsf);
    if (lsf[0] < LSF_MIN)
        lsf[0] = LSF_MIN;
    for (int i = 0; i < ORDER - 1; i++)
        if (sub16(lsf[i + 1], lsf[i]) < 2 * LSF_GAP3)
            lsf[i + 1] = add16(lsf[i], 2 * LSF_GAP3);
    if (lsf[ORDER - 1] > LSF_MAX)
        lsf[ORDER - 1] = LSF_MAX;
    if (lsf[ORDER - 1] < lsf[ORDER - 2])
        lsf[ORDER - 2] = sub16(lsf[ORDER - 1], LSF_GAP3);

    lsf_weights(lsf, w);
    for (int p = 0; p < 2; p++)
        lsf_unpredict(lsf, target[p], g729_sid_ma[p], past, g729_sid_ma_rest_inv[p]);
    sid_first_stage(target, rest, mode, first);
    int best = sid_second_stage(rest, mode, w, &index[2]);
    index[0] = mode[best];
    index[1] = first[best];
    sid_lsp_decode(index, past, lsp_q);
}
