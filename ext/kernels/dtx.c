/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/dtx.h"

#include <math.h>
#include <string.h>

#define SOFTEST_DBOV (-96.0f)
#define FIRST_FLOOR_DBOV (-55.0f)
#define RISE_DB_PER_MS 0.003f  /* of the floor: a new noise is known after some seconds */
#define ABOVE_FLOOR_DB 6.0f    /* noise wavers by so much */
#define HANGOVER_MS 240        /* the soft end of a word, and the pauses within one */
#define CHANGE_DB 3.0f         /* a change of the noise that is worth telling */
#define CHANGE_MS 200
#define AGAIN_MS 1000          /* told again, for those who lost it, and NATs that forget */
#define SMOOTH 0.15f

void sr_dtx_init(sr_dtx *d)
{
    memset(d, 0, sizeof *d);
}

static float power_of(const int16_t *pcm, int samples)
{
    double sum = 0;
    for (int i = 0; i < samples; i++)
        sum += (double)pcm[i] * pcm[i];
    return samples > 0 ? (float)(sum / samples) : 0;
}

static float dbov(float power)
{
    float level = power > 0 ? 10.0f * log10f(power / (32768.0f * 32768.0f)) : SOFTEST_DBOV;
    return level < SOFTEST_DBOV ? SOFTEST_DBOV : level;
}

static int is_quiet(sr_dtx *d, float level, int ms)
{
    if (!d->started) {
        d->started = 1;
        d->floor_dbov = level < FIRST_FLOOR_DBOV ? level : FIRST_FLOOR_DBOV;
        d->hangover_ms = HANGOVER_MS;
    }
    if (level < d->floor_dbov)
        d->floor_dbov = level;
    else
        d->floor_dbov += RISE_DB_PER_MS * (float)ms;
    if (d->floor_dbov > SR_DTX_NOISE_DBOV - ABOVE_FLOOR_DB)
        d->floor_dbov = SR_DTX_NOISE_DBOV - ABOVE_FLOOR_DB;
    return level < SR_DTX_SILENCE_DBOV || level < d->floor_dbov + ABOVE_FLOOR_DB;
}

static int describe(sr_dtx *d, const int16_t *pcm, int samples, uint8_t *payload)
{
    d->told_dbov = dbov(d->noise_power);
    d->since_ms = 0;
    int bytes = sr_cng_describe(pcm, samples, SR_DTX_ORDER, payload);
    long level = lrintf(-d->told_dbov);
    payload[0] = (uint8_t)(level > 127 || d->told_dbov <= SOFTEST_DBOV ? 127 : level);
    return bytes;
}

enum sr_dtx_verdict sr_dtx_next(sr_dtx *d, const int16_t *pcm, int samples, int ms, uint8_t *payload, int *bytes)
{
    float power = power_of(pcm, samples);
    int rested = d->resting;
    *bytes = 0;
    if (!is_quiet(d, dbov(power), ms)) {
        d->hangover_ms = HANGOVER_MS;
        d->resting = 0;
        return rested ? SR_DTX_SPURT : SR_DTX_TALK;
    }
    if (d->hangover_ms > 0) {
        d->noise_power = d->hangover_ms == HANGOVER_MS ? power : d->noise_power + SMOOTH * (power - d->noise_power);
        d->hangover_ms -= ms;
        return SR_DTX_TALK;
    }
    d->resting = 1;
    d->since_ms += ms;
    d->noise_power += SMOOTH * (power - d->noise_power);
    float change = fabsf(dbov(d->noise_power) - d->told_dbov);
    if (!rested || d->since_ms >= AGAIN_MS || (change >= CHANGE_DB && d->since_ms >= CHANGE_MS)) {
        *bytes = describe(d, pcm, samples, payload);
        return SR_DTX_NOISE;
    }
    return SR_DTX_REST;
}
