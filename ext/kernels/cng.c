/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cng.h"

#include <math.h>
#include <string.h>

#define UNIFORM_RMS 0.57735f /* of noise spread evenly over -1 to 1 */
#define GLIDE 0.01f          /* the gain goes a hundredth of its way per sample: 12 ms at 8 kHz */

void sr_cng_init(sr_cng *c, uint32_t seed)
{
    memset(c, 0, sizeof *c);
    c->noise = seed;
}

int sr_cng_update(sr_cng *c, const uint8_t *payload, int bytes)
{
    if (bytes < 1)
        return -1;
    int order = bytes - 1 < SR_CNG_ORDER_MAX ? bytes - 1 : SR_CNG_ORDER_MAX;
    float loss = 1.0f;
    for (int i = order; i < c->order; i++)
        c->delayed[i + 1] = 0;
    c->order = order;
    for (int i = 0; i < order; i++) { /* N = 127 (k + 1), RFC 3389 section 3.2; 0.99: the filter must be stable */
        float k = ((float)payload[i + 1] - 127.0f) / 127.0f;
        k = k > 0.99f ? 0.99f : k < -0.99f ? -0.99f : k;
        c->k[i] = k;
        loss *= 1.0f - k * k;
    }
    c->goal = 32768.0f * powf(10.0f, (float)(payload[0] & 0x7F) / -20.0f) * sqrtf(loss) / UNIFORM_RMS;
    return 0;
}

/* A lattice with A(z) = 1 + sum a_i z^-i and k_1 = -r(1)/r(0), as in the ITU-T's codecs. */
void sr_cng_generate(sr_cng *c, int16_t *pcm, int samples)
{
    float *b = c->delayed;
    for (int n = 0; n < samples; n++) {
        c->noise = c->noise * 1664525u + 1013904223u;
        c->gain += (c->goal - c->gain) * GLIDE;
        float f = c->gain * (float)(int32_t)c->noise * (1.0f / 2147483648.0f);
        for (int i = c->order - 1; i >= 0; i--) {
            f -= c->k[i] * b[i];
            b[i + 1] = b[i] + c->k[i] * f;
        }
        b[0] = f;
        pcm[n] = (int16_t)(f > 32767.0f ? 32767.0f : f < -32768.0f ? -32768.0f : f);
    }
}

int sr_cng_describe(const int16_t *pcm, int samples, int order, uint8_t *payload)
{
    double r[SR_CNG_ORDER_MAX + 1], a[SR_CNG_ORDER_MAX + 1] = {1.0}, error;
    order = order > SR_CNG_ORDER_MAX ? SR_CNG_ORDER_MAX : order;
    for (int lag = 0; lag <= order; lag++) {
        r[lag] = 0;
        for (int n = lag; n < samples; n++)
            r[lag] += pcm[n] * pcm[n - lag];
    }
    double rms = samples ? sqrt(r[0] / samples) : 0;
    double level = rms >= 1 ? -20 * log10(rms / 32768.0) : 127;
    payload[0] = (uint8_t)(level < 0 ? 0 : level > 127 ? 127 : lrint(level));
    error = r[0] * 1.0001 + 1; /* -40 dB of white noise keeps the recursion sound */
    for (int i = 1; i <= order; i++) { /* Levinson-Durbin */
        double sum = r[i], old[SR_CNG_ORDER_MAX + 1];
        for (int j = 1; j < i; j++)
            sum += a[j] * r[i - j];
        double k = -sum / error;
        memcpy(old, a, sizeof old);
        for (int j = 1; j < i; j++)
            a[j] = old[j] + k * old[i - j];
        a[i] = k;
        error *= 1 - k * k;
        long quantised = lrint(127.0 * (k + 1.0));
        payload[i] = (uint8_t)(quantised < 0 ? 0 : quantised > 254 ? 254 : quantised);
    }
    return 1 + order;
}
