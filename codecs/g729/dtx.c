/* SPDX-License-Identifier: Apache-2.0
 *
 * Discontinuous transmission (B.4.1): when a silence descriptor is due, and what it describes.
 *
 * A descriptor starts each pause; another follows when the filter or the energy has moved and two frames have gone by.
 * Autocorrelations of the last frames are kept as 16 bit mantissas with a common exponent.
 */
#include "state.h"
#include "functions.h"

/* Sum of `count` autocorrelations, as mantissas; returns their exponent. */
static int16_t sum_correlations(int16_t acf[][COEFS], const int16_t *shift, int count, int16_t sum[COEFS])
{
    int32_t total[COEFS] = {0};
    int least = shift[0];
    for (int i = 1; i < count; i++)
        if (shift[i] < least)
            least = shift[i];
    least += 14;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < COEFS; j++)
            total[j] = l_add(total[j], l_shl(acf[i][j], least - shift[i]));
    int norm = norm32(total[0]);
    for (int j = 0; j < COEFS; j++)
        sum[j] = high16(l_shl(total[j], norm));
    return (int16_t)(least + norm - 16);
}

static void remember_sum(dtx_state *d)
{
    for (int i = 2; i > 0; i--) {
        for (int j = 0; j < COEFS; j++)
            d->sum_acf[i][j] = d->sum_acf[i - 1][j];
        d->sum_acf_shift[i] = d->sum_acf_shift[i - 1];
    }
    d->sum_acf_shift[0] = sum_correlations(d->acf, d->acf_shift, 2, d->sum_acf[0]);
}

/* B.4.1.1: every frame, speech or not. */
static void dtx_remember(dtx_state *d, const int16_t r[COEFS], int16_t exponent, int voice)
{
    for (int j = 0; j < COEFS; j++) {
        d->acf[1][j] = d->acf[0][j];
        d->acf[0][j] = r[j];
    }
    d->acf_shift[1] = d->acf_shift[0];
    d->acf_shift[0] = (int16_t)-(16 + exponent);
    if (++d->pair_frames == 2) {
        d->pair_frames = 0;
        if (voice)
            remember_sum(d);
    }
}

/* The recursion on mantissas. */
static void levinson_16(levinson_state *s, const int16_t r[COEFS], int16_t a[COEFS], int16_t *error)
{
    dpf wide[COEFS];
    int16_t rc[2];
    for (int j = 0; j < COEFS; j++)
        wide[j] = (dpf){r[j], 0};
    levinson(s, wide, a, rc, error);
}

/* B.4.2.2 eq. (B.16): the filter of the past frames. */
static void past_filter(dtx_state *d, levinson_state *s, int16_t a[COEFS])
{
    int16_t sum[COEFS], error;
    sum_correlations(d->sum_acf, d->sum_acf_shift, 3, sum);
    if (sum[0] == 0) {
        a[0] = 4096;
        for (int j = 1; j < COEFS; j++)
            a[j] = 0;
        return;
    }
    levinson_16(s, sum, a, &error);
}

/* Eq. (B.13) without the factor 2, which the comparison applies. */
static int16_t coefficient_correlation(const int16_t a[COEFS], int16_t r[COEFS])
{
    int32_t sum = 0;
    for (int j = 0; j <= ORDER; j++)
        sum = l_mac(sum, a[j], a[j]);
    int norm = norm32(sum);
    r[0] = round16(l_shl(sum, norm));
    for (int i = 1; i <= ORDER; i++) {
        sum = 0;
        for (int j = 0; j <= ORDER - i; j++)
            sum = l_mac(sum, a[j], a[j + i]);
        r[i] = round16(l_shl(sum, norm));
    }
    return (int16_t)norm;
}

/* B.4.1.3 eq. (B.12): whether the Itakura distance passes the threshold. */
static int filters_differ(const int16_t r[COEFS], int16_t r_shift, const int16_t acf[COEFS], int16_t alpha,
                          int16_t threshold)
{
    int shift[2] = {0, 0}, which = 1, overflow;
    int32_t sum;
    do {
        overflow = 0;
        sum = l_mult_of(shr16(r[0], shift[0]), shr16(acf[0], shift[1]), &overflow) >> 1;
        for (int i = 1; i <= ORDER; i++)
            sum = l_mac_of(sum, shr16(r[i], shift[0]), shr16(acf[i], shift[1]), &overflow);
        if (overflow) {
            shift[which]++;
            which = 1 - which;
        }
    } while (overflow);
    int32_t limit = (int32_t)mult_r16(alpha, threshold) + alpha;
    return l_sub(sum, l_shl(limit, r_shift + 9 - shift[0] - shift[1])) > 0;
}

/* B.4: one frame that is not speech. The descriptor (if any) goes to sid[]: predictor, two indices, gain. */
static int dtx_encode(g729_encoder *s, int16_t *exc, int16_t a[2 * COEFS], int16_t sid[4])
{
    dtx_state *d = &s->dtx;
    int16_t acf[COEFS], coef[COEFS], decibels;
    int first = s->vad_past[0] != 0, type;

    d->energy[1] = d->energy[0];
    d->energy_shift[1] = d->energy_shift[0];
    d->energy_shift[0] = sum_correlations(d->acf, d->acf_shift, 2, acf);
    if (acf[0] == 0) {
        d->energy[0] = 0;
        coef[0] = 4096;
        for (int j = 1; j < COEFS; j++)
            coef[j] = 0;
    } else {
        levinson_16(&s->levinson, acf, coef, &d->energy[0]);
    }

    d->energies = first ? 1 : 2;
    int gain_index = quantise_sid_gain(d->energy, d->energy_shift, d->energies, &decibels);
    if (first) {
        type = FRAME_SID;
    } else {
        if (filters_differ(d->sid_r, d->sid_r_shift, acf, d->energy[0], 4855))
            d->changed = 1;
        if (abs16(sub16(d->previous_energy, decibels)) > 2)
            d->changed = 1;
        d->since_sid++;
        type = FRAME_UNTRANSMITTED;
        if (d->since_sid >= 3) {
            if (d->changed)
                type = FRAME_SID;
            d->since_sid = 3;
        }
    }

    if (type == FRAME_SID) {
        int16_t past[COEFS], lsp[ORDER];
        d->since_sid = 0;
        d->changed = 0;
        past_filter(d, &s->levinson, past);
        d->sid_r_shift = coefficient_correlation(past, d->sid_r);
        const int16_t *chosen = past;
        if (filters_differ(d->sid_r, d->sid_r_shift, acf, d->energy[0], 3161)) {
            chosen = coef;
            d->sid_r_shift = coefficient_correlation(coef, d->sid_r);
        }
        lp_to_lsp(chosen, lsp, s->lsp_q);
        sid_lsp_quantise(lsp, s->lsf_past, sid, d->sid_lsp);
        d->previous_energy = decibels;
        sid[3] = (int16_t)gain_index;
        d->sid_gain = g729_sid_gain_level[gain_index];
    }

    d->gain = first ? d->sid_gain : smooth_noise_gain(d->gain, d->sid_gain);
    noise_excitation(d->gain, exc, &s->seed, s->exc_error);
    interpolate_lsp(s->lsp_q, d->sid_lsp, a);
    for (int i = 0; i < ORDER; i++)
        s->lsp_q[i] = d->sid_lsp[i];
    if (d->pair_frames == 0)
        remember_sum(d);
    return type;
}
