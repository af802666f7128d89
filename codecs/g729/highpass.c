/* SPDX-License-Identifier: Apache-2.0
 *
 * The high-pass filters of the input (3.1, with the division by two) and of the output (4.2.5, with the doubling).
 *
 * Both are second order pole/zero filters whose two past outputs are kept in double precision, since their poles lie
 * close to the unit circle.
 */
#include "state.h"
#include "tables.h"

G729_INLINE int32_t highpass_step(highpass_state *s, int16_t x0, const int16_t b[3], const int16_t a[3], int shift)
{
    int32_t y = l_add(mpy_32_16(s->y1, a[1]), mpy_32_16(s->y2, a[2]));
    y = l_mac(l_mac(l_mac(y, x0, b[0]), s->x1, b[1]), s->x2, b[2]);
    y = l_shl(y, shift);
    s->x2 = s->x1;
    s->x1 = x0;
    s->y2 = s->y1;
    s->y1 = split32(y);
    return y;
}

static void highpass_input(highpass_state *s, const int16_t *in, int16_t *out)
{
    highpass_state local = *s;
    for (int i = 0; i < FRAME; i++)
        out[i] = round16(highpass_step(&local, in[i], g729_highpass_in_b, g729_highpass_in_a, 3));
    *s = local;
}

static void highpass_output(highpass_state *s, const int16_t *in, int16_t *out)
{
    highpass_state local = *s;
    for (int i = 0; i < FRAME; i++)
        out[i] = round16(l_shl(highpass_step(&local, in[i], g729_highpass_out_b, g729_highpass_out_a, 2), 1));
    *s = local;
}
