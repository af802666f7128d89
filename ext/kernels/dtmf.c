/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/dtmf.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#define N SR_DTMF_WINDOW
#define HALF (N / 2)
#define PI 3.14159265358979323846
#define RATE 8000.0

/* What passes, halfway between what must and what must not (baselines after ITU-T Q.24). */
#define LEAST_DBM0 -36.0f   /* -25 must, -55 must not */
#define MOST_OFFSET 0.025f  /* 1.5 % must, 3.5 % must not */
#define MOST_TWIST 6.5f     /* high over low: 4 dB must, 12 must not */
#define LEAST_TWIST -10.0f  /* -8 must, -12 must not */
#define LEAST_PURITY 0.88f  /* the tones' share of the power: 0.97 at 15 dB of signal to noise */
#define NEEDED_HITS 4       /* a tone of T ms fills (T - 15) / 5 windows: 20 ms at most 2, 40 ms at least 5 */
#define ALLOWED_MISSES 1
#define RELEASE 8           /* a gap of 10 ms spoils at most 5 windows, a pause of 40 ms at least 10 */
#define EDGE 118            /* samples of a tone's length that its windows do not count: 14.8 ms */

static const float TONES_HZ[8] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};
static const float NOTCH[2] = {1.9248f, 1.8816f}; /* 2 cos(2 pi f / 8000) of dial tone, 350 and 440 Hz */
#define POLE 0.9f
static const char DIGITS[17] = "123A456B789C*0#D";

typedef float eight __attribute__((vector_size(32)));

/* Filled once, when the library is loaded; only read after that. */
static struct {
    eight cosine[HALF];     /* the Hann window from its middle on, times the cosine of each of the 8 tones */
    eight sine[HALF];
    float slope[8][HALF][2]; /* derivative of the window (per sample) times the same */
    float power[HALF];      /* the window squared */
    float sum, power_sum;
    float loss_db[8];       /* what the notches take from each tone */
    float halver[SR_DTMF_HALVER];
} table;

/* How much the notches of `clean` weaken a frequency, dB. */
static double notch_loss_db(double hz)
{
    double complex z = cexp(-I * 2 * PI * hz / RATE), gain = 1;
    for (int i = 0; i < 2; i++)
        gain *= (1 - NOTCH[i] * z + z * z) / (1 - POLE * NOTCH[i] * z + POLE * POLE * z * z);
    return -20 * log10(cabs(gain));
}

__attribute__((constructor)) static void fill_table(void)
{
    for (int k = 0; k < 8; k++)
        table.loss_db[k] = (float)notch_loss_db(TONES_HZ[k]);
    for (int n = 0; n < HALF; n++) { /* n + 0.5 samples from the middle of the window */
        double at = 2 * PI * (n + 0.5) / N, w = 0.5 + 0.5 * cos(at), slope = -PI / N * sin(at);
        table.power[n] = (float)(w * w);
        table.sum += (float)(2 * w);
        table.power_sum += (float)(2 * w * w);
        for (int k = 0; k < 8; k++) {
            double phase = 2 * PI * TONES_HZ[k] / RATE * (n + 0.5);
            table.cosine[n][k] = (float)(w * cos(phase));
            table.sine[n][k] = (float)(-w * sin(phase));
            table.slope[k][n][0] = (float)(slope * cos(phase));
            table.slope[k][n][1] = (float)(-slope * sin(phase));
        }
    }
    int middle = SR_DTMF_HALVER / 2;
    float total = 0;
    for (int i = 0; i < SR_DTMF_HALVER; i++) {
        double x = (i - middle) / 2.0;
        double hann = 0.5 + 0.5 * cos(PI * (i - middle) / (middle + 1.0));
        table.halver[i] = (float)(hann * (x == 0 ? 1 : sin(PI * x) / (PI * x)));
        total += table.halver[i];
    }
    for (int i = 0; i < SR_DTMF_HALVER; i++)
        table.halver[i] /= total;
}

static float amplitude_of(float dbm0)
{
    return 32767.0f * powf(10.0f, (dbm0 - SR_DTMF_FULL_SCALE_DBM0) / 20.0f);
}

static float dbm0_of(float squared_amplitude)
{
    return 10.0f * log10f(squared_amplitude / (32767.0f * 32767.0f)) + SR_DTMF_FULL_SCALE_DBM0;
}

void sr_dtmf_init(sr_dtmf *d, uint32_t rate_hz)
{
    memset(d, 0, sizeof *d);
    d->rate_hz = rate_hz;
    d->digit = d->candidate = -1;
}

/* ---- the windows ---- */

typedef struct {
    float squared;  /* amplitude, corrected for the offset */
    float offset;   /* relative */
} tone;

/* The window folded about its middle: all cosines of a transform need only the sums, all sines only the differences.
 * (With the derivative of the window, which is odd, it is the other way round.) */
typedef struct {
    float even[HALF], odd[HALF];
} folded;

/* The tone near frequency `k` whose transform is (re, im): the ratio of the transforms with the derivative of the
 * window and with the window itself is the distance in radians per sample (frequency reassignment). */
static tone look(const folded *x, int k, float re, float im)
{
    float slope_re = 0, slope_im = 0, squared = re * re + im * im;
    for (int n = 0; n < HALF; n++) {
        slope_re += x->odd[n] * table.slope[k][n][0];
        slope_im += x->even[n] * table.slope[k][n][1];
    }
    float radians = -(slope_im * re - slope_re * im) / squared;
    float bins = fabsf(radians) * (float)(N / (2 * PI));
    float response = 1.0f; /* of a Hann window, that many bins beside its middle */
    if (bins > 0.01f && bins < 1.9f)
        response = fabsf(bins - 1.0f) < 0.01f ? 0.5f
                                              : sinf((float)PI * bins) / ((float)PI * bins * (1.0f - bins * bins));
    return (tone){4.0f * squared / (table.sum * table.sum * response * response),
                  radians * (float)(RATE / (2 * PI)) / TONES_HZ[k]};
}

static int strongest(const float *squared, int from)
{
    int best = from;
    for (int k = from + 1; k < from + 4; k++)
        if (squared[k] > squared[best])
            best = k;
    return best;
}

/* The digit that fills this window, or -1; `means` gets levels and offsets. */
static int judge(const float *window, float least_squared, float *means)
{
    folded x;
    float parts[4] = {0}, squared[8];
    for (int n = 0; n < HALF; n += 4)
        for (int i = 0; i < 4; i++) {
            float after = window[HALF + n + i], before = window[HALF - 1 - n - i];
            x.even[n + i] = after + before;
            x.odd[n + i] = after - before;
            parts[i] += table.power[n + i] * (after * after + before * before);
        }
    float power = parts[0] + parts[1] + parts[2] + parts[3];
    if (power < 0.5f * least_squared * table.power_sum) /* of two tones of the least level, less the notches' loss */
        return -1;
    eight re = {0}, im = {0};
    for (int n = 0; n < HALF; n++) {
        re += x.even[n] * table.cosine[n];
        im += x.odd[n] * table.sine[n];
    }
    for (int k = 0; k < 8; k++)
        squared[k] = re[k] * re[k] + im[k] * im[k];
    int k = strongest(squared, 0), m = strongest(squared, 4);
    if ((squared[k] + squared[m]) * 2.0f * table.power_sum < 0.4f * power * table.sum * table.sum)
        return -1;
    tone low = look(&x, k, re[k], im[k]), high = look(&x, m, re[m], im[m]);
    if (!(fabsf(low.offset) < MOST_OFFSET && fabsf(high.offset) < MOST_OFFSET))
        return -1;
    if ((low.squared + high.squared) * 0.5f * table.power_sum < LEAST_PURITY * power)
        return -1;
    means[0] = dbm0_of(low.squared) + table.loss_db[k];
    means[1] = dbm0_of(high.squared) + table.loss_db[m];
    means[2] = low.offset;
    means[3] = high.offset;
    float twist = means[1] - means[0];
    if (twist > MOST_TWIST || twist < LEAST_TWIST || means[0] < LEAST_DBM0 || means[1] < LEAST_DBM0)
        return -1;
    return k * 4 + m - 4;
}

/* ---- from windows to digits ---- */

static void report(const sr_dtmf *d, int kind, sr_dtmf_event *event)
{
    int scale = (int)d->rate_hz / (int)RATE;
    int64_t start = d->first * SR_DTMF_HOP - N / 2 - EDGE / 2 - SR_DTMF_HOP / 2;
    float n = (float)d->count;
    *event = (sr_dtmf_event){.kind = (uint8_t)kind,
                             .digit = DIGITS[d->digit],
                             .start = (start < 0 ? 0 : start) * scale,
                             .duration = (uint32_t)((d->last - d->first + 1) * SR_DTMF_HOP + EDGE) * (uint32_t)scale,
                             .low_dbm0 = d->sum[0] / n,
                             .high_dbm0 = d->sum[1] / n,
                             .twist_db = (d->sum[1] - d->sum[0]) / n,
                             .low_offset = d->sum[2] / n,
                             .high_offset = d->sum[3] / n};
}

static void forget_candidate(sr_dtmf *d)
{
    d->candidate = -1;
    d->hits = d->misses = 0;
}

/* One more window has been judged; returns the events written, at most 2. */
static int follow(sr_dtmf *d, int found, const float *means, sr_dtmf_event *events)
{
    int count = 0;
    d->suspect = found >= 0;
    if (d->digit >= 0 && found == d->digit) {
        d->gap = 0;
        d->last = d->hops;
        d->count++;
        for (int i = 0; i < 4; i++)
            d->sum[i] += means[i];
        forget_candidate(d);
        return 0;
    }
    if (d->digit >= 0 && ++d->gap >= RELEASE) {
        report(d, SR_DTMF_END, &events[count++]);
        d->digit = -1;
    }
    if (found < 0) {
        if (d->candidate >= 0 && ++d->misses > ALLOWED_MISSES)
            forget_candidate(d);
        return count;
    }
    if (found != d->candidate) {
        forget_candidate(d);
        d->candidate = (int8_t)found;
        d->candidate_first = d->hops;
        memset(d->candidate_sum, 0, sizeof d->candidate_sum);
    }
    for (int i = 0; i < 4; i++)
        d->candidate_sum[i] += means[i];
    if (++d->hits < NEEDED_HITS)
        return count;
    if (d->digit >= 0)
        report(d, SR_DTMF_END, &events[count++]);
    d->digit = d->candidate;
    d->first = d->candidate_first;
    d->last = d->hops;
    d->count = d->hits;
    d->gap = 0;
    memcpy(d->sum, d->candidate_sum, sizeof d->sum);
    forget_candidate(d);
    report(d, SR_DTMF_BEGIN, &events[count++]);
    return count;
}

/* ---- samples in ---- */

/* Take out DC, and dial tone (350 + 440 Hz, or 425) by two notches whose poles keep the lowest DTMF tone whole. */
static void clean(sr_dtmf *d, float *x, int n)
{
    float dc_in = d->dc_in, dc_out = d->dc_out, a = d->notch[0][0], b = d->notch[0][1], e = d->notch[1][0],
          f = d->notch[1][1];
    for (int i = 0; i < n; i++) { /* transposed direct form II; in locals, the loop is as fast as its longest recursion */
        dc_out = x[i] - dc_in + 0.99f * dc_out;
        dc_in = x[i];
        float y = dc_out + a;
        a = b - NOTCH[0] * dc_out + POLE * NOTCH[0] * y;
        b = dc_out - POLE * POLE * y;
        float z = y + e;
        e = f - NOTCH[1] * y + POLE * NOTCH[1] * z;
        f = y - POLE * POLE * z;
        x[i] = z;
    }
    d->dc_in = dc_in;
    d->dc_out = dc_out;
    d->notch[0][0] = a;
    d->notch[0][1] = b;
    d->notch[1][0] = e;
    d->notch[1][1] = f;
}

/* Low-pass 16 kHz; 1 with every second sample. */
static int halve(sr_dtmf *d, float in, float *out)
{
    d->halver[d->halver_at] = d->halver[d->halver_at + SR_DTMF_HALVER] = in;
    d->halver_at = d->halver_at + 1 == SR_DTMF_HALVER ? 0 : d->halver_at + 1;
    d->halver_odd ^= 1;
    if (d->halver_odd)
        return 0;
    const float *past = d->halver + d->halver_at;
    float sum = 0;
    for (int i = 0; i < SR_DTMF_HALVER; i++)
        sum += past[i] * table.halver[i];
    *out = sum;
    return 1;
}

int sr_dtmf_feed(sr_dtmf *d, const int16_t *pcm, int samples, sr_dtmf_event *events, int capacity)
{
    float least = amplitude_of(LEAST_DBM0);
    int count = 0;
    for (int i = 0; i < samples; i++) {
        float x = pcm[i];
        if (d->rate_hz == 16000 && !halve(d, x, &x))
            continue;
        d->window[N + d->filled++] = x;
        if (d->filled < SR_DTMF_HOP)
            continue;
        clean(d, d->window + N, SR_DTMF_HOP);
        float means[4] = {0};
        sr_dtmf_event found[2];
        memmove(d->window, d->window + SR_DTMF_HOP, N * sizeof *d->window);
        d->filled = 0;
        d->hops++;
        int n = follow(d, judge(d->window, least * least, means), means, found);
        for (int j = 0; j < n && count < capacity; j++)
            events[count++] = found[j];
    }
    return count;
}

/* ---- tones out ---- */

int sr_dtmf_frequencies(char digit, float *low_hz, float *high_hz)
{
    if (digit >= 'a' && digit <= 'd')
        digit = (char)(digit - 'a' + 'A');
    const char *at = digit ? strchr(DIGITS, digit) : NULL;
    if (at == NULL)
        return -1;
    *low_hz = TONES_HZ[(at - DIGITS) / 4];
    *high_hz = TONES_HZ[4 + (at - DIGITS) % 4];
    return 0;
}

void sr_tone_start(sr_tone *t, uint32_t rate_hz, float first_hz, float first_dbm0, float second_hz, float second_dbm0,
                   int64_t duration, int ramp)
{
    const float hz[2] = {first_hz, second_hz}, dbm0[2] = {first_dbm0, second_dbm0};
    *t = (sr_tone){.duration = duration, .ramp = ramp};
    for (int i = 0; i < 2; i++) {
        double step = 2 * PI * hz[i] / rate_hz;
        t->re[i] = 1;
        t->step_re[i] = cos(step);
        t->step_im[i] = sin(step);
        t->amplitude[i] = hz[i] > 0 ? amplitude_of(dbm0[i]) : 0;
    }
}

static float envelope(const sr_tone *t)
{
    int64_t edge = t->at;
    if (t->duration >= 0 && t->duration - 1 - t->at < edge)
        edge = t->duration - 1 - t->at;
    if (edge >= t->ramp)
        return 1.0f;
    return 0.5f - 0.5f * cosf((float)PI * ((float)edge + 0.5f) / (float)t->ramp);
}

int sr_tone_generate(sr_tone *t, int16_t *pcm, int samples)
{
    int n = samples;
    if (t->duration >= 0 && t->duration - t->at < n)
        n = (int)(t->duration - t->at);
    for (int i = 0; i < n; i++, t->at++) {
        double sum = 0;
        for (int k = 0; k < 2; k++) {
            double re = t->re[k], im = t->im[k];
            sum += t->amplitude[k] * im;
            t->re[k] = re * t->step_re[k] - im * t->step_im[k];
            t->im[k] = re * t->step_im[k] + im * t->step_re[k];
        }
        sum *= envelope(t);
        pcm[i] = (int16_t)lrint(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
    }
    if ((t->at & 0xFFF) < n) /* every half second or so: the product of rotations drifts off the unit circle */
        for (int k = 0; k < 2; k++) {
            double size = sqrt(t->re[k] * t->re[k] + t->im[k] * t->im[k]);
            t->re[k] /= size;
            t->im[k] /= size;
        }
    memset(pcm + n, 0, (size_t)(samples - n) * sizeof *pcm);
    return n;
}
