/* SPDX-License-Identifier: Apache-2.0
 *
 * Time scaling of decoded PCM: one pitch period out of a frame, or one in, joined where the wave repeats itself.
 *
 *     accelerate:  |-- p --|-- rest --|   ->   (first period faded into the second) rest
 *     expand:      |-- p --|-- rest --|   ->   period, (second period faded back into the first), rest
 *
 * The first and the last sample of the frame stay, so a frame joins its neighbours as before. Stateless.
 */
#ifndef SWITCHROOM_TIMESCALE_H
#define SWITCHROOM_TIMESCALE_H

#include <stdint.h>

/* Samples that expand may add, at most: 15 ms. */
#define SR_TIMESCALE_EXTRA(rate_hz) ((int)((rate_hz) * 15 / 1000))

/* Take one pitch period out of `samples` at `rate_hz`; `out` may be `in`. Returns the samples written: `samples`, copied
 * unchanged, when the frame holds no period that repeats well enough (any near-silent one does) or is under 7 ms;
 * `urgent` takes the best there is. */
int sr_accelerate(const int16_t *in, int samples, uint32_t rate_hz, int urgent, int16_t *out);

/* Put one pitch period in; `out` has room for SR_TIMESCALE_EXTRA more samples and is not `in`. */
int sr_expand(const int16_t *in, int samples, uint32_t rate_hz, int urgent, int16_t *out);

#endif
