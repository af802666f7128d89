/* SPDX-License-Identifier: Apache-2.0
 *
 * Voice activity detection (B.3): four features against running means of the background noise.
 *
 * Energies are logarithms in Q11 (one is 10 dB), the zero-crossing rate and frequencies in Q15. The decision is the
 * union of fourteen half planes (B.3.5), smoothed in four stages (B.3.6); the means follow where there is only noise
 * (B.3.7).
 */
#include "state.h"
#include "functions.h"

enum { NOISE = 0, VOICE = 1, INIT_FRAMES = 32 };

#define ENERGY_FLOOR 3072 /* 15 dB */

/* Logarithm of an energy over the window, from a sum with the exponent of r[0]. */
static int16_t log_energy(int32_t sum, int16_t exponent)
{
    dpf x = log_2(sum);
    x.hi = add16(x.hi, (int16_t)(exponent - 2));
    return sub16(high16(l_shl(mpy_32_16(x, 9864), 11)), 4875);
}

/* B.3.5, in the units of the features. */
static int initial_decision(int16_t d_low, int16_t d_full, int16_t sd, int16_t d_zc)
{
    int32_t s = deposit_high(sd), e = deposit_high(d_full);
    if (l_add(l_mac(l_mult(d_zc, -14680), 8192, -28521) >> 8, s) > 0)
        return VOICE;
    if (l_add(l_mac(l_mult(d_zc, 19065), 8192, -19446) >> 7, s) > 0)
        return VOICE;
    if (l_add(l_mac(l_mult(d_zc, 20480), 8192, 16384) >> 2, e) < 0)
        return VOICE;
    if (l_add(l_mac(l_mult(d_zc, -16384), 8192, 19660) >> 2, e) < 0)
        return VOICE;
    if (l_mac(l_mult(d_full, 32767), 1024, 30802) < 0)
        return VOICE;
    if (l_mac(l_mac(l_mult(sd, -28160), 64, 19988), d_full, 512) < 0)
        return VOICE;
    if (l_mac(l_mult(sd, 32767), 32, -30199) > 0)
        return VOICE;
    if (l_add(l_mac(l_mult(d_zc, -20480), 8192, 22938) >> 2, e) < 0)
        return VOICE;
    if (l_add(l_mac(l_mult(d_zc, 23831), 4096, 31576) >> 2, e) < 0)
        return VOICE;
    if (l_mac(l_mult(d_full, 32767), 2048, 17367) < 0)
        return VOICE;
    if (l_mac(l_mac(l_mult(sd, -22400), 32, 25395), d_low, 256) < 0)
        return VOICE;
    if (l_add(l_mac(l_mult(d_full, -30427), 256, -29959), deposit_high(d_low)) > 0)
        return VOICE;
    if (l_add(l_mac(l_mult(d_full, -23406), 512, 28087), deposit_high(d_low)) < 0)
        return VOICE;
    if (l_mac(l_mac(l_mult(d_full, 24576), 1024, 29491), d_low, 16384) < 0)
        return VOICE;
    return NOISE;
}

/* B.3.3: the minimum of the energy over sixteen blocks of eight frames. */
static int16_t block_min(const vad_state *v)
{
    int16_t min = v->min_buffer[0];
    for (int i = 1; i < 16; i++)
        if (v->min_buffer[i] < min)
            min = v->min_buffer[i];
    return min;
}

static void track_minimum(vad_state *v, int16_t energy, int count)
{
    if (count <= 128) {
        if (energy < v->min) {
            v->min = energy;
            v->previous_min = energy;
        }
        if ((count & 7) == 0) {
            v->min_buffer[(count >> 3) - 1] = v->min;
            v->min = MAX_16;
            v->previous_min = block_min(v);
        }
        return;
    }
    if ((count & 7) == 1) {
        v->min = v->previous_min;
        v->next_min = MAX_16;
    }
    if (energy < v->min)
        v->min = energy;
    if (energy < v->next_min)
        v->next_min = energy;
    if ((count & 7) == 0) {
        for (int i = 0; i < 15; i++)
            v->min_buffer[i] = v->min_buffer[i + 1];
        v->min_buffer[15] = v->next_min;
        v->previous_min = block_min(v);
    }
}

G729_INLINE int16_t drift(int16_t mean, int16_t value, int16_t keep)
{
    return high16(l_mac(l_mult(keep, mean), (int16_t)(32768 - keep), value));
}

/* B.3.7 eq. (B.8): the coefficients by the number of updates so far. */
static void update_means(vad_state *v, int16_t energy, int16_t low, int16_t zc, const int16_t lsf[ORDER])
{
    static const int16_t keep_energy[6] = {24576, 31130, 31785, 32440, 32604, 32604};
    static const int16_t keep_zc[6] = {26214, 30147, 30802, 31457, 32440, 32702};
    static const int16_t keep_lsf[6] = {19661, 21299, 22938, 24576, 24576, 24576};

    v->update_count = add16(v->update_count, 1);
    int row = v->update_count < 20 ? 0 : v->update_count < 60 ? v->update_count / 10 - 1 : 5;
    v->mean_se = drift(v->mean_se, energy, keep_energy[row]);
    v->mean_sle = drift(v->mean_sle, low, keep_energy[row]);
    v->mean_szc = drift(v->mean_szc, zc, keep_zc[row]);
    for (int i = 0; i < ORDER; i++)
        v->mean_lsf[i] = drift(v->mean_lsf[i], lsf[i], keep_lsf[row]);
}

/* B.3.2: the means at the end of the first frames, over those that were loud enough. */
static void start_means(vad_state *v)
{
    int16_t factor = g729_vad_mean_factor[v->quiet_count];
    int shift = g729_vad_mean_shift[v->quiet_count];
    v->mean_e = high16(l_shl(l_mult(v->mean_e, factor), shift));
    v->mean_szc = high16(l_shl(l_mult(v->mean_szc, factor), shift));
    for (int i = 0; i < ORDER; i++)
        v->mean_lsf[i] = high16(l_shl(l_mult(v->mean_lsf[i], factor), shift));
    v->mean_se = sub16(v->mean_e, 2048);
    v->mean_sle = sub16(v->mean_e, 2458);
}

G729_INLINE int16_t accumulate(int16_t mean, int16_t value)
{
    return high16(l_mac(deposit_high(mean), value, 1024));
}

/* B.3: the decision for one frame. `speech` is the analysis window, `k2` the second reflection coefficient. */
static int detect_voice(vad_state *v, int16_t k2, const int16_t lsf[ORDER], const dpf r[VAD_ORDER + 1],
                        int16_t exponent, const int16_t *speech, int count, const int16_t past[2])
{
    int16_t energy = log_energy(join32(r[0]), exponent);
    int32_t sum = 0;
    for (int i = 1; i <= VAD_ORDER; i++)
        sum = l_mac(sum, r[i].hi, g729_vad_lowband[i]);
    int16_t low = log_energy(l_mac(l_shl(sum, 1), r[0].hi, g729_vad_lowband[0]), exponent);

    sum = 0;
    for (int i = 0; i < ORDER; i++) {
        int16_t d = sub16(lsf[i], v->mean_lsf[i]);
        sum = l_mac(sum, d, d);
    }
    int16_t sd = high16(sum), zc = 0;
    for (int i = 121; i <= 200; i++)
        if (mult16(speech[i - 1], speech[i]) < 0)
            zc = add16(zc, 410);

    track_minimum(v, energy, count);

    int voice = NOISE;
    if (count <= INIT_FRAMES) {
        if (energy < ENERGY_FLOOR) {
            v->quiet_count++;
        } else {
            voice = VOICE;
            v->mean_e = accumulate(v->mean_e, energy);
            v->mean_szc = accumulate(v->mean_szc, zc);
            for (int i = 0; i < ORDER; i++)
                v->mean_lsf[i] = accumulate(v->mean_lsf[i], lsf[i]);
        }
    }
    if (count >= INIT_FRAMES) {
        if (count == INIT_FRAMES)
            start_means(v);
        int16_t d_full = sub16(v->mean_se, energy), d_low = sub16(v->mean_sle, low), d_zc = sub16(v->mean_szc, zc);
        voice = energy < ENERGY_FLOOR ? NOISE : initial_decision(d_low, d_full, sd, d_zc);

        /* B.3.6, the four stages. */
        int held = 0;
        if (past[0] == VOICE && voice == NOISE && add16(d_full, 410) < 0 && energy > ENERGY_FLOOR) {
            voice = VOICE;
            held = 1;
        }
        if (v->may_extend) {
            if (past[1] == VOICE && past[0] == VOICE && voice == NOISE &&
                abs16(sub16(v->previous_energy, energy)) <= 614) {
                voice = VOICE;
                held = 1;
                if (++v->extension_count > 4) {
                    v->extension_count = 0;
                    v->may_extend = 0;
                }
            }
        } else {
            v->may_extend = 1;
        }
        if (voice == NOISE)
            v->silence_count = add16(v->silence_count, 1);
        if (voice == VOICE && v->silence_count > 10 && sub16(energy, v->previous_energy) <= 614) {
            voice = NOISE;
            v->silence_count = 0;
        }
        if (voice == VOICE)
            v->silence_count = 0;
        int near_noise = sub16(energy, 614) < v->mean_se;
        if (near_noise && count > 128 && !held && k2 < 19661)
            voice = NOISE;

        if (near_noise && k2 < 24576 && sd < 83)
            update_means(v, energy, low, zc, lsf);
        if (count > 128 && ((v->mean_se < v->min && sd < 83) || sub16(v->mean_se, v->min) > 2048)) {
            v->mean_se = v->min;
            v->update_count = 0;
        }
    }
    v->previous_energy = energy;
    return voice;
}
