/* SPDX-License-Identifier: Apache-2.0
 *
 * Taming of the pitch gain (3.10): the error that a decoder after lost frames would go on repeating is bounded.
 *
 * Four zones of the past excitation each carry the worst error that the pitch gains so far may have built up; where
 * the delay would read from a zone above the threshold, the gain is held below one.
 */
#include "state.h"
#include "tables.h"

#define ERROR_UNIT 0x4000 /* 1.0 */
#define ERROR_LIMIT 983040000

static int excitation_needs_taming(const int32_t error[4], int lag, int frac)
{
    int t = frac > 0 ? lag + 1 : lag;
    int from = t - (SUBFRAME + INTERP) < 0 ? 0 : t - (SUBFRAME + INTERP);
    int32_t worst = -1;
    for (int i = g729_taming_zone[t + INTERP - 2]; i >= g729_taming_zone[from]; i--)
        if (error[i] > worst)
            worst = error[i];
    return worst > ERROR_LIMIT;
}

G729_INLINE int32_t repeated_error(int32_t error, int16_t gain)
{
    return l_add(ERROR_UNIT, l_shl(mpy_32_16(split32(error), gain), 1));
}

static void update_excitation_error(int32_t error[4], int16_t gain, int lag)
{
    int32_t worst = -1;
    if (lag < SUBFRAME) {
        int32_t once = repeated_error(error[0], gain);
        int32_t twice = repeated_error(once, gain);
        worst = once > worst ? once : worst;
        worst = twice > worst ? twice : worst;
    } else {
        for (int i = g729_taming_zone[lag - SUBFRAME]; i <= g729_taming_zone[lag - 1]; i++) {
            int32_t e = repeated_error(error[i], gain);
            worst = e > worst ? e : worst;
        }
    }
    for (int i = 3; i > 0; i--)
        error[i] = error[i - 1];
    error[0] = worst;
}
