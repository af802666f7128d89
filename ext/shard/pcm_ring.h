/* SPDX-License-Identifier: Apache-2.0
 *
 * Received audio on its way to the clock: decoded samples, placed by their RTP timestamp, read a fixed time later.
 */
#ifndef SWITCHROOM_PCM_RING_H
#define SWITCHROOM_PCM_RING_H

#include <stdbool.h>
#include <stdint.h>

#define SR_RING_SAMPLES 4096     /* 256 ms at 16 kHz; a power of two */

typedef struct sr_pcm_ring {
    int16_t *samples;            /* SR_RING_SAMPLES of them; silence where nothing has been put */
    bool started;
    uint32_t read_at;            /* position of the next sample to read */
    uint32_t restarts;           /* the writer was too far from the reader */
} sr_pcm_ring;

void sr_pcm_ring_reset(sr_pcm_ring *ring);
/* `at` is the position of the first sample on the writer's clock. */
void sr_pcm_ring_put(sr_pcm_ring *ring, uint32_t at, const int16_t *pcm, int samples, int delay);
void sr_pcm_ring_get(sr_pcm_ring *ring, int16_t *pcm, int samples);

#endif
