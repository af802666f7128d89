/* SPDX-License-Identifier: Apache-2.0
 *
 * Concealment of erased frames (4.4, A.4.4): what the decoder puts in place of parameters that did not arrive.
 *
 * Annex A makes no difference between voiced and unvoiced frames: the excitation is always the adaptive and a random
 * fixed vector, both attenuated. The pitch gain is compared in Q14 with the number that means 0.9 in Q15, as the
 * bit-exact description has it.
 */
#include "state.h"
#include "tables.h"

/* 4.4.1 eq. (92). */
static void conceal_lsp(g729_decoder *s, int16_t lsp[ORDER])
{
    int16_t code[ORDER];
    lsf_unpredict(s->lsf_last, code, g729_lsp_ma[s->ma_mode], s->lsf_past, g729_lsp_ma_rest_inv[s->ma_mode]);
    lsf_remember(s->lsf_past, code);
    lsf_to_lsp(s->lsf_last, lsp);
}

/* 4.4.2 eqs. (93), (94) and 4.4.3 eq. (95). */
static void conceal_gains(g729_decoder *s)
{
    s->gain_pitch = mult16(s->gain_pitch, 29491);
    if (s->gain_pitch > 29491)
        s->gain_pitch = 29491;
    s->gain_code = mult16(s->gain_code, 32111);

    int32_t sum = 0;
    for (int i = 0; i < MA_ORDER; i++)
        sum += s->gain_past[i];
    int16_t mean = sub16(low16(sum >> 2), 4096);
    remember_energy(s->gain_past, mean < -14336 ? -14336 : mean);
}

/* 4.4.4: the last delay, one longer each time. */
static int conceal_lag(g729_decoder *s)
{
    int lag = s->lag;
    s->lag = (int16_t)(lag + 1 > PITCH_MAX ? PITCH_MAX : lag + 1);
    return lag;
}
