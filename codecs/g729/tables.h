/* SPDX-License-Identifier: Apache-2.0
 *
 * The constants of G.729 (clauses 3 and 4), of its Annex A and of its Annex B: names, shapes and units.
 *
 * Names are ours; the section or equation where each comes from, and its fixed-point format, stand beside it.
 */
#ifndef SWITCHROOM_G729_TABLES_H
#define SWITCHROOM_G729_TABLES_H

#include <stdint.h>

#define G729_TABLE extern __attribute__((visibility("hidden"))) const

G729_TABLE int16_t g729_lp_window[240]; /* 3.2.1 eq. (3): half a Hamming window and a quarter cosine, Q15 */
G729_TABLE int16_t g729_lag_window_hi[12]; /* 3.2.1 eq. (6): lag window, high halves, lags 1 to 12 */
G729_TABLE int16_t g729_lag_window_lo[12]; /* the low halves of the same */
G729_TABLE int16_t g729_lsp_grid[51]; /* A.3.2.3: cos of the 50 search intervals, Q15 */
G729_TABLE int16_t g729_cos_q15[65]; /* cos(pi k / 64), Q15 */
G729_TABLE int16_t g729_acos_slope[64]; /* slopes between the entries of cos_q15, for its inverse, Q12 */
G729_TABLE int16_t g729_cos2_q15[64]; /* 3.2.4: the same cosine for frequencies in radians */
G729_TABLE int16_t g729_cos2_slope[64]; /* slopes of cos2_q15, Q19 */
G729_TABLE int16_t g729_acos2_slope[64]; /* slopes of its inverse, Q12 */
G729_TABLE int16_t g729_lsp_code1[128][10]; /* 3.2.4: first stage L1, Q13 */
G729_TABLE int16_t g729_lsp_code2[32][10]; /* 3.2.4: second stage, columns 0 to 4 are L2, 5 to 9 are L3, Q13 */
G729_TABLE int16_t g729_lsp_ma[2][4][10]; /* 3.2.4: switched MA predictors, Q15 */
G729_TABLE int16_t g729_lsp_ma_rest[2][10]; /* 1 - sum of the predictor, Q15 */
G729_TABLE int16_t g729_lsp_ma_rest_inv[2][10]; /* its inverse, Q12 */
G729_TABLE int16_t g729_lsf_start[10]; /* Table 9: i pi / 11, Q13 */
G729_TABLE int16_t g729_pitch_interp[31]; /* 3.7.1: b30, Q15 */
G729_TABLE int16_t g729_gain_ma[4]; /* 3.9.1: MA predictor of the code gain, Q13 */
G729_TABLE int16_t g729_gain_code_a[8][2]; /* 3.9.2: GA, pitch gain Q14 and correction Q13 */
G729_TABLE int16_t g729_gain_code_b[16][2]; /* 3.9.2: GB */
G729_TABLE int16_t g729_gain_map_a[8]; /* 3.9.3: codebook order to transmitted index */
G729_TABLE int16_t g729_gain_map_b[16]; /* the same for GB */
G729_TABLE int16_t g729_gain_unmap_a[8]; /* 3.9.3: transmitted index to codebook order */
G729_TABLE int16_t g729_gain_unmap_b[16]; /* the same for GB */
G729_TABLE int16_t g729_gain_thr_a[4]; /* 3.9.2: thresholds of the pre-selection in GA, Q14 */
G729_TABLE int16_t g729_gain_thr_b[8]; /* and in GB, Q15 */
G729_TABLE int16_t g729_gain_coef[2][2]; /* 3.9.2: lines of the pre-selection, Q10 Q14 / Q16 Q19 */
G729_TABLE int32_t g729_gain_coef32[2][2]; /* the same in 32 bits, Q26 Q30 / Q32 Q35 */
G729_TABLE int16_t g729_highpass_out_b[3]; /* 4.2.5 eq. (91): numerator, Q13 */
G729_TABLE int16_t g729_highpass_out_a[3]; /* and denominator, signs as used */
G729_TABLE int16_t g729_highpass_in_b[3]; /* 3.1 eq. (1): numerator with the division by two, Q12 */
G729_TABLE int16_t g729_highpass_in_a[3]; /* and denominator, signs as used */
G729_TABLE int16_t g729_pow2_q14[33]; /* 2^(k/32), Q14 */
G729_TABLE int16_t g729_log2_q15[33]; /* log2(1 + k/32), Q15 */
G729_TABLE int16_t g729_inv_sqrt_q15[49]; /* 1/sqrt(x) over 0.25 to 1, Q15 */
G729_TABLE int16_t g729_taming_zone[153]; /* 3.10: zone of the excitation error by delay */
G729_TABLE int16_t g729_vad_lowband[13]; /* B.3.1.3: autocorrelation of the 0 to 1 kHz filter, Q15 */
G729_TABLE int16_t g729_vad_mean_shift[33]; /* B.3.2: shift of the first means by quiet frames left out */
G729_TABLE int16_t g729_vad_mean_factor[33]; /* and factor, Q15 */
G729_TABLE int16_t g729_sid_gain_factor[3]; /* B.4.2.1: averaging factor by number of frames, Q15 */
G729_TABLE int16_t g729_sid_gain_margin[3]; /* and its margin in bits */
G729_TABLE int16_t g729_sid_gain_level[32]; /* B.4.2.1: decoded gain, Q3 */
G729_TABLE int16_t g729_sid_ma[2][4][10]; /* B.4.2.2 eq. (B.18): SID predictors, Q15 */
G729_TABLE int16_t g729_sid_ma_rest[2][10]; /* 1 - sum of the predictor, Q15 */
G729_TABLE int16_t g729_sid_ma_rest_inv[2][10]; /* its inverse, Q12 */
G729_TABLE int16_t g729_sid_code1[32]; /* B.4.2.2: the 32 rows of lsp_code1 in use */
G729_TABLE int16_t g729_sid_code2[2][16]; /* the rows of lsp_code2, lower and upper half */
G729_TABLE int16_t g729_sid_mode_weight[2]; /* weight of each predictor in the search, Q15 */
G729_TABLE int16_t g729_lsp_code1_t[10][128]; /* lsp_code1 by columns */
G729_TABLE int16_t g729_lsp_code2_t[10][32]; /* lsp_code2 by columns */
G729_TABLE int16_t g729_pitch_interp_taps[3][20]; /* pitch_interp as three 20-tap filters in the order of the samples */

#endif
