/* SPDX-License-Identifier: Apache-2.0
 *
 * Comfort noise (B.4.4): the excitation of frames that carry no speech, in the encoder and in the decoder alike.
 *
 * Each subframe mixes a Gaussian vector, an adaptive vector of small gain and four random pulses, whose gain solves a
 * quadratic equation so that the subframe has the wanted energy. Without a solution the adaptive part is left out.
 */
#include "state.h"
#include "functions.h"
#include "kernels.h"

#define NOISE_GAIN_MAX ((int16_t)5000)

/* Eq. (B.19). */
G729_INLINE int16_t smooth_noise_gain(int16_t gain, int16_t sid_gain)
{
    return add16(mult_r16(gain, 28672), mult_r16(sid_gain, 4096));
}

/* The Gaussian part, scaled to a quarter of the wanted energy. */
static void gaussian_vector(int16_t gain, int16_t *seed, int16_t out[SUBFRAME])
{
    gaussian_samples(seed, out);
    int32_t energy = dot40(out, out);
    int32_t t = mpy_32_16(split32(inv_sqrt(energy >> 1)), add16(gain, mult_r16(gain, 19043)));
    int shift = norm32(t);
    int16_t scale = high16(l_shl(t, shift));
    for (int i = 0; i < SUBFRAME; i++)
        out[i] = shr_r16(mult_r16(out[i], scale), shift - 14);
}

/* Sum of x at the pulses with their signs. */
G729_INLINE int16_t pulse_sum(const int16_t *x, const int position[4], const int sign[4], int shift)
{
    int16_t sum = 0;
    for (int k = 0; k < 4; k++) {
        int16_t v = shr16(x[position[k]], shift);
        sum = sign[k] ? add16(sum, v) : sub16(sum, v);
    }
    return sum;
}

/* The random draws of one subframe. */
static void draw_pulses(int16_t *seed, int *lag, int *frac, int position[4], int sign[4])
{
    uint16_t r = (uint16_t)random_16(seed);
    *frac = (r & 3) == 3 ? 0 : (r & 3) - 1;
    *lag = (r >> 2 & 63) + SUBFRAME;
    position[0] = 5 * (r >> 8 & 7);
    sign[0] = r >> 11 & 1;
    position[1] = 5 * (r >> 12 & 7) + 1;
    sign[1] = r >> 15 & 1;
    r = (uint16_t)random_16(seed);
    position[2] = 5 * (r & 7) + 2;
    sign[2] = r >> 3 & 1;
    position[3] = 5 * (r >> 5 & 7) + 3 + (r >> 4 & 1);
    sign[3] = r >> 8 & 1;
}

/* exc[0..79] from the past before it; `error` is the encoder's taming memory, NULL in the decoder. */
static void noise_excitation(int16_t gain, int16_t *exc, int16_t *seed, int32_t *error)
{
    if (gain == 0) {
        for (int i = 0; i < FRAME; i++)
            exc[i] = 0;
        for (int n = 0; error && n < 2; n++)
            update_excitation_error(error, 0, SUBFRAME + 1);
        return;
    }
    for (int n = 0; n < 2; n++, exc += SUBFRAME) {
        int lag, frac, position[4], sign[4];
        int16_t noise[SUBFRAME], scaled[SUBFRAME];

        draw_pulses(seed, &lag, &frac, position, sign);
        int16_t gain_pitch = random_16(seed) & 0x1fff;
        gaussian_vector(gain, seed, noise);
        adaptive_vector(exc, lag, frac);

        int16_t max = 0;
        for (int i = 0; i < SUBFRAME; i++) {
            exc[i] = add16(mult_r16(exc[i], (int16_t)(gain_pitch * 2)), noise[i]);
            int16_t m = abs16(exc[i]);
            max = m > max ? m : max;
        }
        int shift = max == 0 ? 0 : 3 - norm16(max);
        shift = shift < 0 ? 0 : shift;
        int32_t energy = 0;
        for (int i = 0; i < SUBFRAME; i++) {
            scaled[i] = exc[i] >> shift;
            energy = l_mac(energy, scaled[i], scaled[i]);
        }
        int16_t inter = pulse_sum(scaled, position, sign, 0);

        /* Eq. (B.21) scaled by 2^-(2 shift - 1): twice the discriminant. */
        int32_t k = l_mult(gain, low16(l_mult(gain, SUBFRAME) >> 6));
        inter >>= 1;
        int32_t delta = l_mac(l_sub(l_shr(k, 1 + 2 * shift), energy), inter, inter);
        shift++;
        if (delta < 0) {
            int16_t bits = 0;
            for (int i = 0; i < SUBFRAME; i++)
                exc[i] = noise[i];
            for (int i = 0; i < 4; i++)
                bits |= abs16(noise[position[i]]);
            shift = bits & 0x4000 ? 2 : 1;
            inter = pulse_sum(noise, position, sign, shift);
            delta = l_mac(l_shr(mpy_32_16(split32(k), 24576), 2 * shift - 1), inter, inter);
            gain_pitch = 0;
        }
        int16_t root = square_root(delta);
        int16_t x1 = sub16(root, inter), x2 = neg16(add16(inter, root));
        if (abs16(x2) < abs16(x1))
            x1 = x2;
        int16_t g = shr_r16(x1, 2 - shift);
        g = g > NOISE_GAIN_MAX ? NOISE_GAIN_MAX : g < -NOISE_GAIN_MAX ? -NOISE_GAIN_MAX : g;
        for (int i = 0; i < 4; i++)
            exc[position[i]] = sign[i] ? add16(exc[position[i]], g) : sub16(exc[position[i]], g);
        if (error)
            update_excitation_error(error, gain_pitch, lag);
    }
}
