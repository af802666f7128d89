/* SPDX-License-Identifier: Apache-2.0
 *
 * Open-loop pitch analysis (A.3.4) on the decimated weighted speech.
 *
 * The best delay of each of three ranges is found by correlation, normalised, and the shorter delays are favoured
 * where they divide the longer ones. The signal is scaled first, so that sums neither overflow nor lose all
 * precision.
 */
#include "state.h"
#include "functions.h"
#include "kernels.h"

/* Eq. (A.5): R(t) over the root of the energy of the delayed signal. */
static int16_t normalised_correlation(const int16_t *x, int lag, int32_t correlation)
{
    int32_t energy = 1;
    for (int i = 0; i < FRAME; i += 2)
        energy = l_mac(energy, x[i - lag], x[i - lag]);
    return low16(mpy_32(split32(correlation), split32(inv_sqrt(energy))));
}

/* `weighted` has PITCH_MAX samples of the past before it. */
static int open_loop_pitch(const int16_t *weighted)
{
    int16_t scaled[PITCH_MAX + FRAME + 17];
    int16_t *x = scaled + PITCH_MAX;
    int64_t energy = 0;
    int32_t r[PITCH_MAX + 2];

    for (int i = -PITCH_MAX; i < FRAME; i += 2)
        energy += (int32_t)weighted[i] * weighted[i];
    energy *= 2;
    if (energy > MAX_32)
        for (int i = -PITCH_MAX; i < FRAME; i++)
            x[i] = weighted[i] >> 3;
    else if (energy < 1048576)
        for (int i = -PITCH_MAX; i < FRAME; i++)
            x[i] = shl16(weighted[i], 3);
    else
        for (int i = -PITCH_MAX; i < FRAME; i++)
            x[i] = weighted[i];

    pitch_correlations(x, r);

    int t1 = PITCH_MIN, t2 = 40, t3 = 80;
    for (int t = PITCH_MIN + 1; t < 40; t++)
        if (r[t] > r[t1])
            t1 = t;
    for (int t = 41; t < 80; t++)
        if (r[t] > r[t2])
            t2 = t;
    for (int t = 82; t < PITCH_MAX; t += 2)
        if (r[t] > r[t3])
            t3 = t;
    int centre = t3;
    r[centre + 1] = pitch_correlation(x, centre + 1);
    if (r[centre + 1] > r[t3])
        t3 = centre + 1;
    int32_t before = pitch_correlation(x, centre - 1);
    if (before > r[t3]) {
        t3 = centre - 1;
        r[t3] = before;
    }

    int16_t max1 = normalised_correlation(x, t1, r[t1]);
    int16_t max2 = normalised_correlation(x, t2, r[t2]);
    int16_t max3 = normalised_correlation(x, t3, r[t3]);
    int off = 2 * t2 - t3;
    if (abs16((int16_t)off) < 5)
        max2 = add16(max2, max3 >> 2);
    if (abs16((int16_t)(off + t2)) < 7)
        max2 = add16(max2, max3 >> 2);
    off = 2 * t1 - t2;
    if (abs16((int16_t)off) < 5)
        max1 = add16(max1, mult16(max2, 6554));
    if (abs16((int16_t)(off + t1)) < 7)
        max1 = add16(max1, mult16(max2, 6554));
    if (max1 < max2) {
        max1 = max2;
        t1 = t2;
    }
    return max1 < max3 ? t3 : t1;
}
