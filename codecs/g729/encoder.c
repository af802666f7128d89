/* SPDX-License-Identifier: Apache-2.0
 *
 * The encoder (clause A.3, Figure 4): one frame of 80 samples to one frame of bits, with Annex B where it is asked
 * for.
 *
 * Analysis once a frame, two subframes of codebook searches, and the update of every memory. In a frame without
 * speech the comfort noise of the far end is made here as well, so that the filter memories stay in step (B.4.4).
 */
#include <string.h>

#include "state.h"
#include "kernels.h"

static void encoder_init(void *memory, int annex_b)
{
    static const int16_t lsp_start[ORDER] = {30000, 26000, 21000, 15000, 8000, 0, -8000, -15000, -21000, -26000};
    g729_encoder *s = memory;
    memset(s, 0, sizeof *s);
    memcpy(s->lsp, lsp_start, sizeof s->lsp);
    memcpy(s->lsp_q, lsp_start, sizeof s->lsp_q);
    for (int k = 0; k < MA_ORDER; k++) {
        memcpy(s->lsf_past[k], g729_lsf_start, sizeof s->lsf_past[k]);
        s->gain_past[k] = -14336;
        s->exc_error[k] = ERROR_UNIT;
    }
    s->levinson.a[0] = 4096;
    s->sharp = SHARP_MIN;
    s->annex_b = (int16_t)annex_b;
    s->vad_past[0] = s->vad_past[1] = VOICE;
    s->seed = NOISE_SEED;
    s->vad.may_extend = 1;
    s->vad.min = MAX_16;
    for (int i = 0; i < 3; i++)
        s->dtx.sum_acf_shift[i] = 40;
    for (int i = 0; i < 2; i++)
        s->dtx.acf_shift[i] = s->dtx.energy_shift[i] = 40;
}

/* B.4.4 and A.3.3: weighting memories in a frame whose excitation is comfort noise. */
static void encode_silence(g729_encoder *s, const int16_t *speech, int16_t *weighted, int16_t *exc,
                           const int16_t a[2 * COEFS])
{
    int16_t ap[COEFS], tilted[COEFS], r[48], e[48];
    for (int n = 0; n < 2; n++) {
        lp_residual(a + n * COEFS, speech + n * SUBFRAME, r);
        expand_bandwidth(a + n * COEFS, 24576, ap);
        tilt_weighting(ap, tilted);
        synthesise(tilted, r, weighted + n * SUBFRAME, s->weighted_mem);
        for (int i = 0; i < SUBFRAME; i++)
            r[i] = sub16(r[i], exc[n * SUBFRAME + i]);
        synthesise(ap, r, e, s->target_mem);
    }
    s->sharp = SHARP_MIN;
}

/* A.3.5 to A.3.10: one subframe; exc[0..39] holds the residual and becomes the excitation. */
static void encode_subframe(g729_encoder *s, int16_t *exc, const int16_t ap[COEFS], int first, int *lag_min,
                            int *lag_max, int16_t *params)
{
    static const int16_t zero[ORDER];
    int16_t h[64], target[48], y1[48], y2[48], code[48], rest[48], g4[4], g[5], gain_pitch, gain_code;
    int exponent[5], frac;

    impulse_and_target(ap, exc, s->target_mem, h, target);

    int lag = closed_loop_pitch(exc, target, h, *lag_min, *lag_max, first, &frac);
    *params = encode_lag(lag, frac, lag_min, lag_max, first);
    if (first)
        params[1] = lag_parity(params[0]);
    params += 1 + first;

    synthesis_filter(ap, exc, y1, SUBFRAME, zero);
    gain_pitch = pitch_gain(target, y1, g4);
    int tame = excitation_needs_taming(s->exc_error, lag, frac);
    if (tame && gain_pitch > 15564)
        gain_pitch = 15564;
    for (int i = 0; i < SUBFRAME; i++)
        rest[i] = sub16(target[i], high16(l_shl(l_mult(y1[i], gain_pitch), 1)));

    params[0] = fixed_codebook_search(rest, h, lag, s->sharp, code, y2, &params[1]);

    g[0] = g4[0];
    exponent[0] = -g4[1];
    g[1] = neg16(g4[2]);
    exponent[1] = -(g4[3] + 1);
    code_correlations(target, y1, y2, g, exponent);
    params[2] = quantise_gains(code, g, exponent, tame, s->gain_past, &gain_pitch, &gain_code);

    s->sharp = gain_pitch > SHARP_MAX ? SHARP_MAX : gain_pitch < SHARP_MIN ? SHARP_MIN : gain_pitch;
    build_excitation(exc, code, gain_pitch, gain_code);
    update_excitation_error(s->exc_error, gain_pitch, lag);

    /* A.3.10 eq. (A.10). */
    for (int i = 0; i < ORDER; i++) {
        int j = SUBFRAME - ORDER + i;
        int16_t adaptive = high16(l_shl(l_mult(y1[j], gain_pitch), 1));
        int16_t fixed = high16(l_shl(l_mult(y2[j], gain_code), 2));
        s->target_mem[i] = sub16(target[j], add16(adaptive, fixed));
    }
}

static void encode_speech(g729_encoder *s, const int16_t lsp[ORDER], int16_t *speech, int16_t *weighted, int16_t *exc,
                          int16_t params[PARAMS])
{
    int16_t lsp_q[ORDER], a[2 * COEFS], ap[2][COEFS], tilted[COEFS];

    lsp_quantise(lsp, s->lsf_past, params, lsp_q);
    interpolate_lsp(s->lsp_q, lsp_q, a);
    memcpy(s->lsp, lsp, sizeof s->lsp);
    memcpy(s->lsp_q, lsp_q, sizeof s->lsp_q);

    for (int n = 0; n < 2; n++) {
        expand_bandwidth(a + n * COEFS, 24576, ap[n]);
        tilt_weighting(ap[n], tilted);
        lp_residual(a + n * COEFS, speech + n * SUBFRAME, exc + n * SUBFRAME);
        synthesise(tilted, exc + n * SUBFRAME, weighted + n * SUBFRAME, s->weighted_mem);
    }

    int open = open_loop_pitch(weighted);
    int lag_min = open - 3 < PITCH_MIN ? PITCH_MIN : open - 3;
    int lag_max = lag_min + 6;
    if (lag_max > PITCH_MAX) {
        lag_max = PITCH_MAX;
        lag_min = PITCH_MAX - 6;
    }
    encode_subframe(s, exc, ap[0], 1, &lag_min, &lag_max, params + 2);
    encode_subframe(s, exc + SUBFRAME, ap[1], 0, &lag_min, &lag_max, params + 7);
}

/* One frame of PCM to `out`; returns 10 (speech), 2 (SID) or 0 (nothing to send). `forced` overrules a VAD that hears
 * nothing. */
static int encode_frame(void *memory, const int16_t *pcm, int forced, uint8_t *out)
{
    g729_encoder *s = memory;
    int16_t *speech = s->speech + WINDOW - FRAME - LOOKAHEAD;
    int16_t *weighted = s->weighted + PITCH_MAX, *exc = s->exc + PAST_EXC;
    int16_t a[2 * COEFS], rc[2], lsp[ORDER], params[PARAMS], unwindowed[COEFS];
    dpf r[VAD_ORDER + 1];
    int type = FRAME_SPEECH;

    s->frame_count = (int16_t)(s->frame_count == MAX_16 ? 256 : s->frame_count + 1);
    highpass_input(&s->highpass, pcm, s->speech + WINDOW - FRAME);

    int16_t exponent = autocorrelation(s->speech, r);
    for (int i = 0; i < COEFS; i++)
        unwindowed[i] = r[i].hi;
    lag_window(r);
    levinson(&s->levinson, r, a, rc, NULL);
    lp_to_lsp(a, lsp, s->lsp);

    if (s->annex_b) {
        int16_t lsf[ORDER];
        lsp_to_normal_lsf(lsp, lsf);
        int voice = detect_voice(&s->vad, rc[1], lsf, r, exponent, s->speech, s->frame_count, s->vad_past);
        voice = voice || forced;
        dtx_remember(&s->dtx, unwindowed, exponent, voice);
        if (voice)
            s->seed = NOISE_SEED;
        else
            type = dtx_encode(s, exc, a, params);
        s->vad_past[1] = s->vad_past[0];
        s->vad_past[0] = (int16_t)voice;
        if (!voice)
            encode_silence(s, speech, weighted, exc, a);
    }
    if (type == FRAME_SPEECH)
        encode_speech(s, lsp, speech, weighted, exc, params);

    memmove(s->speech, s->speech + FRAME, (WINDOW - FRAME) * sizeof(int16_t));
    memmove(s->weighted, s->weighted + FRAME, PITCH_MAX * sizeof(int16_t));
    memmove(s->exc, s->exc + FRAME, PAST_EXC * sizeof(int16_t));

    if (type == FRAME_SPEECH) {
        pack_bits(params, speech_bits, PARAMS, out);
        return 10;
    }
    if (type == FRAME_SID) {
        pack_bits(params, sid_bits, 4, out);
        return 2;
    }
    return 0;
}
