/* SPDX-License-Identifier: Apache-2.0
 *
 * The states of an encoder and of a decoder (clause 4.3), as plain structs of fixed size.
 *
 * Nothing in them points anywhere: a state may be copied or moved, and any number of channels may run in any threads
 * as long as each state is in the hands of one. The initial values are those of Table 9 and, for Annex B, of B.3 and
 * B.4.
 */
#ifndef SWITCHROOM_G729_STATE_H
#define SWITCHROOM_G729_STATE_H

#include <stdint.h>

#include "fixed.h"

enum {
    FRAME = 80,       /* samples of a frame, 10 ms */
    SUBFRAME = 40,
    LOOKAHEAD = 40,
    WINDOW = 240,     /* of the LP analysis, 3.2.1 */
    ORDER = 10,       /* of the LP filters */
    COEFS = ORDER + 1,
    VAD_ORDER = 12,   /* B.3.1 */
    PITCH_MIN = 20,
    PITCH_MAX = 143,
    INTERP = 10,      /* half length of the pitch interpolation filter, 3.7.1 */
    PAST_EXC = PITCH_MAX + INTERP + 1,
    PAST_SYNTHESIS = 16, /* ten are in use; vectors read more */
    PAST_RESIDUAL = 152, /* PITCH_MAX likewise */
    MA_ORDER = 4,     /* of the LSF and gain predictors */
    PARAMS = 11,      /* words of a frame, Table 8 with L0 joined to L1, L2 to L3 and GA to GB */
};

/* What a frame is, with the values that B.4.1 gives to Ftyp. */
enum { FRAME_UNTRANSMITTED = 0, FRAME_SPEECH = 1, FRAME_SID = 2 };

#define SHARP_MIN ((int16_t)3277)  /* 0.2 in Q14, 3.8 eq. (47) */
#define SHARP_MAX ((int16_t)13017) /* 0.7945 in Q14 */
#define NOISE_SEED ((int16_t)11111)

typedef struct highpass_state {
    int32_t y1, y2;
    int16_t x1, x2;
} highpass_state;

/* Reflection and LP coefficients that an unstable frame falls back on, 3.2.2. */
typedef struct levinson_state {
    int16_t a[COEFS];
    int16_t k[2];
} levinson_state;

typedef struct vad_state {
    int16_t mean_lsf[ORDER];
    int16_t min_buffer[16];
    int16_t previous_min, next_min, min;
    int16_t mean_e, mean_se, mean_sle, mean_szc;
    int16_t previous_energy;
    int16_t silence_count, update_count, extension_count, quiet_count;
    int16_t may_extend;
} vad_state;

typedef struct dtx_state {
    int16_t sid_lsp[ORDER];
    int16_t sid_r[COEFS], sid_r_shift;               /* autocorrelation of the SID filter, B.4.1.3 */
    int16_t acf[2][COEFS], acf_shift[2];             /* of the last frames, B.4.1.1 */
    int16_t sum_acf[3][COEFS], sum_acf_shift[3];     /* of pairs of frames, B.4.2.2 */
    int16_t energy[2], energy_shift[2], energies;
    int16_t pair_frames;
    int16_t gain, sid_gain;
    int16_t changed, previous_energy, since_sid;
} dtx_state;

typedef struct g729_encoder {
    int16_t speech[WINDOW + 16];             /* preprocessed; the frame begins at 120 */
    int16_t weighted[PITCH_MAX + FRAME + 17];
    int16_t exc[PAST_EXC + FRAME + 22];
    int16_t lsp[ORDER], lsp_q[ORDER];
    int16_t lsf_past[MA_ORDER][ORDER];
    int16_t weighted_mem[ORDER], target_mem[ORDER];
    int16_t gain_past[MA_ORDER];
    int32_t exc_error[4];
    levinson_state levinson;
    highpass_state highpass;
    int16_t sharp;
    int16_t annex_b;
    int16_t vad_past[2];                     /* decisions of the last frame and of the one before */
    int16_t frame_count;
    int16_t seed;
    vad_state vad;
    dtx_state dtx;
} g729_encoder;

typedef struct postfilter_state {
    int16_t residual[PAST_RESIDUAL + SUBFRAME + 8];
    int16_t residual4[PAST_RESIDUAL + SUBFRAME + 8]; /* the same over 4, for correlations */
    int16_t synthesis_mem[ORDER];
    int16_t tilt_mem;
    int16_t gain;
} postfilter_state;

typedef struct g729_decoder {
    int16_t exc[PAST_EXC + FRAME + 22];
    int16_t synthesis[PAST_SYNTHESIS + FRAME]; /* samples of the past before the frame */
    int16_t synthesis_mem[ORDER];
    int16_t lsp[ORDER];
    int16_t lsf_past[MA_ORDER][ORDER], lsf_last[ORDER];
    int16_t gain_past[MA_ORDER];
    int16_t gain_pitch, gain_code;
    int16_t lag, sharp, ma_mode;
    int16_t erasure_seed, noise_seed;
    int16_t past_type;
    int16_t sid_lsp[ORDER], sid_gain, noise_gain;
    int16_t energy, energy_shift;            /* of the last good speech frame, B.4.5 */
    postfilter_state post;
    highpass_state highpass;
} g729_decoder;

#endif
