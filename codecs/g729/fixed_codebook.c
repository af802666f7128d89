/* SPDX-License-Identifier: Apache-2.0
 *
 * The algebraic codebook of four signed pulses (3.8, A.3.8.1) and its depth-first tree search.
 *
 * Pulse signs are those of the backward-filtered target. Pairs of tracks are then searched in four trees, each time
 * two positions of one track against all of the next, and the best pair against all of the other two tracks.
 */
#include "state.h"
#include "kernels.h"

/* 4.1.4, and the end of the search: positions and signs (1 is positive) of the four pulses. */
static void place_pulses(const int position[4], int signs, int16_t code[SUBFRAME])
{
    for (int i = 0; i < SUBFRAME; i++)
        code[i] = 0;
    for (int k = 0; k < 4; k++)
        code[position[k]] = (signs >> k) & 1 ? 8191 : -8192;
}

/* 3.8 eq. (48): `sharp` in Q14; `x` is the codebook vector or, in the encoder's search, the impulse response. */
G729_INLINE void sharpen(int16_t *x, int lag, int16_t sharp)
{
    int16_t beta = shl16(sharp, 1);
    for (int i = lag; i < SUBFRAME; i++)
        x[i] = add16(x[i], mult16(x[i - lag], beta));
}

static void decode_pulses(int16_t index, int16_t signs, int16_t code[SUBFRAME])
{
    int position[4] = {
        (index & 7) * 5,
        (index >> 3 & 7) * 5 + 1,
        (index >> 6 & 7) * 5 + 2,
        (index >> 10 & 7) * 5 + 3 + (index >> 9 & 1),
    };
    place_pulses(position, signs, code);
}

/* The filtered codebook vector, summed in the order of the pulses. */
static void filter_pulses(const int position[4], int signs, const int16_t *h, int16_t *y)
{
    for (int i = 0; i < SUBFRAME; i++)
        y[i] = 0;
    for (int k = 0; k < 4; k++) {
        int p = position[k];
        if ((signs >> k) & 1)
            for (int i = p; i < SUBFRAME; i++)
                y[i] = add16(y[i], h[i - p]);
        else
            for (int i = p; i < SUBFRAME; i++)
                y[i] = sub16(y[i], h[i - p]);
    }
}

/* A.3.8: the index C of eq. (62) and the signs S of eq. (61); code[] the vector, y[] the filtered vector; h[] is
 * sharpened in place. */
static int16_t fixed_codebook_search(const int16_t *target, int16_t *h, int lag, int16_t sharp, int16_t *code,
                                     int16_t *y, int16_t *signs)
{
    int16_t dn[48];
    int position[4];

    sharpen(h, lag, sharp);
    backward_filter(h, target, dn);
    int s = pulse_search(dn, h, position);
    filter_pulses(position, s, h, y);
    place_pulses(position, s, code);
    sharpen(code, lag, sharp);
    *signs = (int16_t)s;
    int last = position[3] / 5;
    return (int16_t)(position[0] / 5 + (position[1] / 5 << 3) + (position[2] / 5 << 6) +
                     ((2 * last + (position[3] - 5 * last - 3)) << 9));
}
