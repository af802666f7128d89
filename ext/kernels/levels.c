/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/levels.h"

#include <math.h>
#include <string.h>

void sr_levels_init(sr_levels *l)
{
    memset(l, 0, sizeof *l);
}

void sr_levels_add(sr_levels *l, const int16_t *pcm, int samples)
{
    int32_t sum = 0, peak = 0;
    int64_t squares = 0;
    if (samples <= 0)
        return;
    for (int i = 0; i < samples; i++) {
        int32_t x = pcm[i], size = x < 0 ? -x : x;
        sum += x;
        squares += x * x;
        peak = size > peak ? size : peak;
    }
    if (peak >= SR_LEVELS_CLIP)
        for (int i = 1; i < samples; i++)
            l->clipped += (pcm[i] >= SR_LEVELS_CLIP && pcm[i - 1] >= SR_LEVELS_CLIP) ||
                          (pcm[i] <= -SR_LEVELS_CLIP && pcm[i - 1] <= -SR_LEVELS_CLIP);
    l->dc += ((float)sum / (float)samples - l->dc) * 0.04f;
    double alternating = (double)squares - (double)samples * l->dc * l->dc;
    alternating = alternating < 0 ? 0 : alternating;
    l->frame_rms = (float)sqrt(alternating / samples);
    l->samples += (uint64_t)samples;
    l->squares += alternating;
    if (peak > l->peak)
        l->peak = (uint16_t)peak;
    if (l->frame_rms < SR_LEVELS_SILENCE) {
        l->silent += (uint64_t)samples;
        l->silent_now += (uint64_t)samples;
    } else {
        l->silent_now = 0;
        l->speech_squares += alternating;
    }
}

float sr_dbov(float rms)
{
    return rms < 0.015f ? -127.0f : 20.0f * log10f(rms / 32768.0f);
}

float sr_dbm0(float rms)
{
    float dbov = sr_dbov(rms);
    return dbov <= -127.0f ? dbov : dbov + 3.01f + 3.14f;
}

float sr_levels_speech_rms(const sr_levels *l)
{
    uint64_t speech = l->samples - l->silent;
    return speech ? (float)sqrt(l->speech_squares / (double)speech) : 0.0f;
}
