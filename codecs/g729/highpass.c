/* SPDX-License-Identifier: Apache-2.0
 *
 * The high-pass filters of the input (3.1, with the division by two) and of the output (4.2.5, with the doubling).
 *
 * Both are second order pole/zero filters whose two past outputs are kept in double precision, since their poles lie
 * close to the unit circle.
 */
#include "state.h"
#include "tables.h"

/* The feedback is below 0.36 (input) or 0.72 (output) of full scale, and the input's three products below 0.24: only
 * the output's products can saturate a sum on the way, and not those of samples below 9700. */
#define OUTPUT_PLAIN 9700

G729_INLINE int32_t highpass_step(highpass_state *s, int16_t x0, const int16_t b[3], const int16_t a[3], int shift,
                                  int saturate)
{
    int32_t y = mpy_word_16(s->y2, a[2]);
    if (saturate) {
        y += mpy_word_16(s->y1, a[1]);
        y = l_mac(l_mac(l_mac(y, x0, b[0]), s->x1, b[1]), s->x2, b[2]);
    } else {
        y += (x0 * b[0] + s->x1 * b[1] + s->x2 * b[2]) * 2;
        y += mpy_word_16(s->y1, a[1]);
    }
    y = l_shl(y, shift);
    s->x2 = s->x1;
    s->x1 = x0;
    s->y2 = s->y1;
    s->y1 = y;
    return y;
}

static void highpass_input(highpass_state *s, const int16_t *in, int16_t *out)
{
    highpass_state local = *s;
    for (int i = 0; i < FRAME; i++)
        out[i] = round16(highpass_step(&local, in[i], g729_highpass_in_b, g729_highpass_in_a, 3, 0));
    *s = local;
}

static void highpass_output(highpass_state *s, const int16_t *in, int16_t *out)
{
    highpass_state local = *s;
    int top = s->x1 < 0 ? -s->x1 : s->x1, last = s->x2 < 0 ? -s->x2 : s->x2;
    for (int i = 0; i < FRAME; i++)
        top = in[i] > top ? in[i] : -in[i] > top ? -in[i] : top;
    if (top < OUTPUT_PLAIN && last < OUTPUT_PLAIN)
        for (int i = 0; i < FRAME; i++)
            out[i] = round16(l_shl(highpass_step(&local, in[i], g729_highpass_out_b, g729_highpass_out_a, 2, 0), 1));
    else
        for (int i = 0; i < FRAME; i++)
            out[i] = round16(l_shl(highpass_step(&local, in[i], g729_highpass_out_b, g729_highpass_out_a, 2, 1), 1));
    *s = local;
}
