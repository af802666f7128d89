/* SPDX-License-Identifier: Apache-2.0
 *
 * The decoder (clause A.4, Figure 6): one frame of bits, or none, to 80 samples.
 *
 * Speech frames, erased frames, silence descriptors and untransmitted frames (Annex B) all end in an excitation that
 * is synthesised and postfiltered. Where the synthesis overflows, the whole past excitation is scaled down and it is
 * done again.
 */
#include <string.h>

#include "state.h"
#include "kernels.h"

static void decoder_init(void *memory)
{
    static const int16_t lsp_start[ORDER] = {30000, 26000, 21000, 15000, 8000, 0, -8000, -15000, -21000, -26000};
    static const int16_t sid_start[ORDER] = {31441, 27566, 21458, 13612, 4663, -4663, -13612, -21458, -27566, -31441};
    g729_decoder *s = memory;
    memset(s, 0, sizeof *s);
    memcpy(s->lsp, lsp_start, sizeof s->lsp);
    memcpy(s->sid_lsp, sid_start, sizeof s->sid_lsp);
    memcpy(s->lsf_last, g729_lsf_start, sizeof s->lsf_last);
    for (int k = 0; k < MA_ORDER; k++) {
        memcpy(s->lsf_past[k], g729_lsf_start, sizeof s->lsf_past[k]);
        s->gain_past[k] = -14336;
    }
    s->lag = 60;
    s->sharp = SHARP_MIN;
    s->erasure_seed = 21845;
    s->noise_seed = NOISE_SEED;
    s->past_type = FRAME_SPEECH;
    s->energy_shift = 1;
    s->post.gain = 4096;
}

/* 4.1.6 eq. (77), with the rescaling of an excitation that overflows. */
static void synthesise_subframe(g729_decoder *s, const int16_t *a, const int16_t *exc, int16_t *out)
{
    if (synthesis_overflows(a, exc, out, s->synthesis_mem)) {
        for (int i = 0; i < PAST_EXC + FRAME; i++)
            s->exc[i] >>= 2;
        synthesis_filter(a, exc, out, SUBFRAME, s->synthesis_mem);
    }
    for (int i = 0; i < ORDER; i++)
        s->synthesis_mem[i] = out[SUBFRAME - ORDER + i];
}

/* 4.1.3 to 4.1.5 for one subframe; returns the integer delay. */
static int decode_subframe(g729_decoder *s, int16_t *exc, const int16_t *params, int first, int previous_lag,
                           int bad_lag, int erased)
{
    int frac = 0, lag;
    int16_t code[48], index = params[1 + first], signs = params[2 + first];

    if (bad_lag)
        lag = conceal_lag(s);
    else
        s->lag = (int16_t)(lag = decode_lag(params[0], previous_lag, first, &frac));
    adaptive_vector(exc, lag, frac);

    if (erased) {
        index = random_16(&s->erasure_seed) & 0x1fff;
        signs = random_16(&s->erasure_seed) & 0xf;
    }
    decode_pulses(index, signs, code);
    sharpen(code, lag, s->sharp);
    if (erased)
        conceal_gains(s);
    else
        decode_gains(params[3 + first], code, s->gain_past, &s->gain_pitch, &s->gain_code);
    s->sharp = s->gain_pitch > SHARP_MAX ? SHARP_MAX : s->gain_pitch < SHARP_MIN ? SHARP_MIN : s->gain_pitch;
    build_excitation(exc, code, s->gain_pitch, s->gain_code);
    return lag;
}

static void decode_speech(g729_decoder *s, const int16_t params[PARAMS], int erased, int16_t a[2 * COEFS], int lag[2])
{
    int16_t lsp[ORDER], *exc = s->exc + PAST_EXC, *out = s->synthesis + PAST_SYNTHESIS;

    s->noise_seed = NOISE_SEED;
    if (erased)
        conceal_lsp(s, lsp);
    else
        lsp_decode(s, params, lsp);
    interpolate_lsp(s->lsp, lsp, a);
    memcpy(s->lsp, lsp, sizeof s->lsp);

    int bad = erased || lag_parity(params[2]) != params[3];
    lag[0] = decode_subframe(s, exc, params + 2, 1, 0, bad, erased);
    synthesise_subframe(s, a, exc, out);
    lag[1] = decode_subframe(s, exc + SUBFRAME, params + 7, 0, lag[0], erased, erased);
    synthesise_subframe(s, a + COEFS, exc + SUBFRAME, out + SUBFRAME);

    if (!erased) { /* B.4.5: for a pause whose first descriptor is lost. */
        int32_t sum = 0;
        for (int i = 0; i < FRAME; i++)
            sum = l_mac(sum, exc[i], exc[i]);
        int norm = norm32(sum);
        s->energy = round16(l_shl(sum, norm));
        s->energy_shift = (int16_t)(16 - norm);
    }
}

/* B.4.4, B.4.5: `sid` is NULL in an untransmitted frame. */
static void decode_silence(g729_decoder *s, const int16_t *sid, int16_t a[2 * COEFS], int lag[2])
{
    int16_t *exc = s->exc + PAST_EXC, *out = s->synthesis + PAST_SYNTHESIS;
    int first = s->past_type == FRAME_SPEECH;

    if (sid) {
        s->sid_gain = g729_sid_gain_level[sid[3]];
        sid_lsp_decode(sid, s->lsf_past, s->sid_lsp);
    } else if (first) {
        int16_t decibels;
        s->sid_gain = g729_sid_gain_level[quantise_sid_gain(&s->energy, &s->energy_shift, 0, &decibels)];
        memcpy(s->sid_lsp, s->lsp, sizeof s->sid_lsp);
    }
    s->noise_gain = first ? s->sid_gain : smooth_noise_gain(s->noise_gain, s->sid_gain);
    noise_excitation(s->noise_gain, exc, &s->noise_seed, NULL);
    interpolate_lsp(s->lsp, s->sid_lsp, a);
    memcpy(s->lsp, s->sid_lsp, sizeof s->lsp);
    for (int n = 0; n < 2; n++) {
        synthesise_subframe(s, a + n * COEFS, exc + n * SUBFRAME, out + n * SUBFRAME);
        lag[n] = s->lag;
    }
    s->sharp = SHARP_MIN;
}

/* One frame of `bytes` octets: 10 (speech), 2 (SID), 0 (untransmitted) or -1 (erased). */
static void decode_frame(void *memory, const uint8_t *in, int bytes, int16_t *pcm)
{
    g729_decoder *s = memory;
    int16_t a[2 * COEFS], params[PARAMS] = {0}, filtered[FRAME];
    int lag[2], erased = bytes < 0, type;

    if (erased) /* Eq. (B.27). */
        type = s->past_type == FRAME_SPEECH ? FRAME_SPEECH : FRAME_UNTRANSMITTED;
    else
        type = bytes == 10 ? FRAME_SPEECH : bytes == 2 ? FRAME_SID : FRAME_UNTRANSMITTED;

    if (type == FRAME_SPEECH) {
        if (!erased)
            unpack_bits(in, speech_bits, PARAMS, params);
        decode_speech(s, params, erased, a, lag);
    } else {
        if (type == FRAME_SID)
            unpack_bits(in, sid_bits, 4, params);
        decode_silence(s, type == FRAME_SID ? params : NULL, a, lag);
    }
    s->past_type = (int16_t)type;
    memmove(s->exc, s->exc + FRAME, PAST_EXC * sizeof(int16_t));

    postfilter(&s->post, s->synthesis + PAST_SYNTHESIS, a, lag, type == FRAME_SPEECH, filtered);
    memmove(s->synthesis, s->synthesis + FRAME, PAST_SYNTHESIS * sizeof(int16_t));
    highpass_output(&s->highpass, filtered, pcm);
}
