/* SPDX-License-Identifier: Apache-2.0
 *
 * From the rate of one stream to that of another, by the filters that the plane made at its start.
 */
#include <string.h>

#include "plane.h"

static const sr_resample_filter *find_filter(const sr_plane *plane, uint32_t from_hz, uint32_t to_hz)
{
    for (uint32_t from = 0; from < plane->rate_count; from++)
        for (uint32_t to = 0; to < plane->rate_count; to++)
            if (plane->rates[from] == from_hz && plane->rates[to] == to_hz)
                return &plane->filters[from * plane->rate_count + to];
    return NULL;
}

void sr_convert(const sr_plane *plane, sr_converter *converter, const int16_t *in, int samples, uint32_t from_hz,
                int16_t *out, uint32_t to_hz)
{
    int16_t made[SR_MAX_FRAME_SAMPLES + 8];
    int wanted = (int)((uint64_t)samples * to_hz / from_hz);
    if (converter->from_hz != from_hz || converter->to_hz != to_hz) {
        converter->from_hz = from_hz;
        converter->to_hz = to_hz;
        sr_resample_init(converter->state, find_filter(plane, from_hz, to_hz));
    }
    int count = sr_resample_run(converter->state, in, samples, made);
    memset(out, 0, (size_t)wanted * sizeof *out);
    memcpy(out, made, (size_t)(count < wanted ? count : wanted) * sizeof *out);
}
