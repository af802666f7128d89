/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/resample.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define LENGTH 40      /* samples of the lower rate */
#define CUTOFF 0.472   /* of the lower rate: -6 dB there, 3776 Hz of 8000 */
#define KAISER 6.0     /* 63 dB */

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static double bessel(double x) /* modified, of order 0 */
{
    double sum = 1, term = 1;
    for (int k = 1; k < 40; k++) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

int sr_resample_filter_init(sr_resample_filter *f, uint32_t from_hz, uint32_t to_hz)
{
    if (from_hz == 0 || to_hz == 0)
        return -1;
    uint32_t divisor = common_divisor(from_hz, to_hz);
    double wider = from_hz > to_hz ? (double)from_hz / to_hz : 1.0; /* input samples per sample of the lower rate */
    int taps = ((int)ceil(LENGTH * wider) + 7) / 8 * 8;
    if (taps > SR_RESAMPLE_TAPS_MAX || (int64_t)taps * (to_hz / divisor) > SR_RESAMPLE_COEFFICIENTS)
        return -1;
    f->up = (int)(to_hz / divisor);
    f->down = (int)(from_hz / divisor);
    f->taps = taps;
    double half = LENGTH * wider / 2;
    for (int phase = 0; phase < f->up; phase++) {
        float *c = f->coefficients + phase * taps;
        double sum = 0;
        for (int j = 0; j < taps; j++) {
            double at = j + 1 - taps + half - (double)phase / f->up; /* input samples from the middle of the filter */
            double x = 2 * CUTOFF * at / wider, edge = at / half;
            double window = fabs(edge) < 1 ? bessel(KAISER * sqrt(1 - edge * edge)) / bessel(KAISER) : 0;
            c[j] = (float)(window * (fabs(x) < 1e-9 ? 1 : sin(PI * x) / (PI * x)));
            sum += c[j];
        }
        for (int j = 0; j < taps; j++)
            c[j] = (float)(c[j] / sum); /* the same gain in each phase */
    }
    return 0;
}

void sr_resample_init(sr_resample *r, const sr_resample_filter *filter)
{
    memset(r, 0, sizeof *r);
    r->filter = filter;
}

typedef float four __attribute__((vector_size(16)));

static int16_t convolve(const float *x, const float *c, int taps)
{
    four a = {0}, b = {0};
    for (int j = 0; j < taps; j += 8) {
        four x0, x1, c0, c1;
        memcpy(&x0, x + j, sizeof x0);
        memcpy(&x1, x + j + 4, sizeof x1);
        memcpy(&c0, c + j, sizeof c0);
        memcpy(&c1, c + j + 4, sizeof c1);
        a += x0 * c0;
        b += x1 * c1;
    }
    a += b;
    float sum = (a[0] + a[1]) + (a[2] + a[3]);
    sum = sum > 32767.0f ? 32767.0f : sum < -32768.0f ? -32768.0f : sum;
    return (int16_t)(sum < 0 ? sum - 0.5f : sum + 0.5f);
}

int sr_resample_run(sr_resample *r, const int16_t *in, int samples, int16_t *out)
{
    const sr_resample_filter *f = r->filter;
    const int kept = f->taps - 1;
    int written = 0;
    while (samples > 0) {
        int n = samples < SR_RESAMPLE_CHUNK ? samples : SR_RESAMPLE_CHUNK;
        for (int i = 0; i < n; i++)
            r->past[kept + i] = in[i];
        int at = r->skip;
        while (at < n) {
            out[written++] = convolve(r->past + at, f->coefficients + r->phase * f->taps, f->taps);
            r->phase += f->down;
            at += r->phase / f->up;
            r->phase %= f->up;
        }
        r->skip = at - n;
        memmove(r->past, r->past + n, (size_t)kept * sizeof *r->past);
        in += n;
        samples -= n;
    }
    return written;
}
