/* SPDX-License-Identifier: Apache-2.0 */
#include "pcm_ring.h"

#include <string.h>

#define MASK (SR_RING_SAMPLES - 1)

void sr_pcm_ring_reset(sr_pcm_ring *ring)
{
    memset(ring->samples, 0, SR_RING_SAMPLES * sizeof *ring->samples);
    ring->started = false;
}

void sr_pcm_ring_put(sr_pcm_ring *ring, uint32_t at, const int16_t *pcm, int samples, int delay)
{
    int32_t ahead = (int32_t)(at - ring->read_at);
    if (ring->started && ahead < 0 && ahead > -4 * delay)
        return; /* late */
    if (!ring->started || ahead < 0 || ahead + samples > SR_RING_SAMPLES) {
        if (ring->started)
            ring->restarts++;
        sr_pcm_ring_reset(ring);
        ring->started = true;
        ring->read_at = at - (uint32_t)delay;
    }
    for (int i = 0; i < samples; i++)
        ring->samples[(at + (uint32_t)i) & MASK] = pcm[i];
}

void sr_pcm_ring_get(sr_pcm_ring *ring, int16_t *pcm, int samples)
{
    if (!ring->started) {
        memset(pcm, 0, (size_t)samples * sizeof *pcm);
        return;
    }
    for (int i = 0; i < samples; i++) {
        uint32_t place = (ring->read_at + (uint32_t)i) & MASK;
        pcm[i] = ring->samples[place];
        ring->samples[place] = 0;
    }
    ring->read_at += (uint32_t)samples;
}
