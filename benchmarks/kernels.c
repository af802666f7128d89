/* SPDX-License-Identifier: Apache-2.0
 *
 * Cost of each kernel, ns per call, best of ROUNDS rounds; run by kernels.py. An argument selects by prefix.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/cng.h"
#include "kernels/dtmf.h"
#include "kernels/jitter.h"
#include "kernels/mixer.h"
#include "kernels/plc.h"
#include "kernels/resample.h"
#include "kernels/timescale.h"

#define ROUNDS 7

static const char *only = "";
static volatile int sink;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

typedef void work(void *state, int calls);

static void measure(const char *name, const char *unit, int calls, work *run, void *state)
{
    double best = 1e18;
    if (strncmp(name, only, strlen(only)) != 0)
        return;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        run(state, calls);
        double took = (now_ns() - start) / calls;
        best = took < best ? took : best;
    }
    printf("%-34s %10.1f ns  %s\n", name, best, unit);
}

/* ---- jitter ---- */

typedef struct {
    sr_jitter buffer;
    int64_t at;
    uint32_t n, noise;
    uint8_t payload[160];
} jitter_case;

static void jitter_run(void *state, int calls)
{
    jitter_case *c = state;
    for (int i = 0; i < calls; i++) {
        sr_jitter_packet in = {.payload = c->payload, .bytes = 160, .seq = (uint16_t)c->n, .timestamp = c->n * 160,
                               .ssrc = 1, .duration = 160}, out;
        c->noise = c->noise * 1664525u + 1013904223u;
        sr_jitter_push(&c->buffer, c->at + (c->noise >> 8) % 15000000, &in);
        sink += sr_jitter_pull(&c->buffer, c->at + 16000000, 0, 160, &out);
        c->n++;
        c->at += 20000000;
    }
}

static void jitter(void)
{
    jitter_case *c = calloc(1, sizeof *c);
    sr_jitter_init(&c->buffer, 8000, 0, 400);
    measure("jitter push+pull", "per packet, 160 bytes, 15 ms jitter", 200000, jitter_run, c);
    free(c);
}

/* ---- concealment, comfort noise, time scaling ---- */

static void vowel(int16_t *pcm, int samples)
{
    for (int i = 0; i < samples; i++)
        pcm[i] = (int16_t)(5000 * sin(i * 0.11) + 3000 * sin(i * 0.22 + 1) + 2000 * sin(i * 0.55 + 2));
}

static void plc_good_run(void *state, int calls)
{
    int16_t pcm[160];
    vowel(pcm, 160);
    for (int i = 0; i < calls; i++)
        sr_plc_good(state, pcm, 160);
}

static void plc_lost_run(void *state, int calls)
{
    int16_t pcm[480], lost[160];
    vowel(pcm, 480);
    for (int i = 0; i < calls; i++) {
        sr_plc_good(state, pcm, 480);
        sr_plc_lost(state, lost, 160);
    }
}

static void cng_run(void *state, int calls)
{
    int16_t pcm[160];
    for (int i = 0; i < calls; i++)
        sr_cng_generate(state, pcm, 160);
}

static void expand_run(void *state, int calls)
{
    int16_t pcm[160], out[160 + 120];
    vowel(pcm, 160);
    for (int i = 0; i < calls; i++)
        sink += sr_expand(pcm, 160, 8000, 0, out);
}

static void repair(void)
{
    static sr_plc plc;
    static sr_cng cng;
    const uint8_t sid[] = {50, 100, 140, 127, 120};
    sr_plc_init(&plc, 8000);
    measure("plc good", "per 20 ms frame, 8 kHz", 200000, plc_good_run, &plc);
    measure("plc lost", "per lost 20 ms frame and its recovery", 20000, plc_lost_run, &plc);
    sr_cng_init(&cng, 1);
    sr_cng_update(&cng, sid, sizeof sid);
    measure("cng generate", "per 20 ms frame, order 4", 100000, cng_run, &cng);
    measure("timescale expand", "per 20 ms frame", 20000, expand_run, NULL);
}

/* ---- DTMF ---- */

typedef struct {
    sr_dtmf detector;
    int16_t pcm[8000];
    int samples;
} dtmf_case;

static void dtmf_run(void *state, int calls)
{
    dtmf_case *c = state;
    sr_dtmf_event events[SR_DTMF_EVENTS(320)];
    for (int i = 0; i < calls; i++)
        sink += sr_dtmf_feed(&c->detector, c->pcm + i % 20 * c->samples, c->samples, events, SR_DTMF_EVENTS(320));
}

static void dtmf(void)
{
    static dtmf_case c;
    sr_tone tone;
    c.samples = 160;
    sr_dtmf_init(&c.detector, 8000);
    measure("dtmf silence", "per 20 ms frame", 20000, dtmf_run, &c);
    vowel(c.pcm, 8000);
    measure("dtmf speech", "per 20 ms frame", 20000, dtmf_run, &c);
    sr_tone_start(&tone, 8000, 770, -10, 1336, -8, -1, 0);
    sr_tone_generate(&tone, c.pcm, 8000);
    measure("dtmf digit", "per 20 ms frame", 20000, dtmf_run, &c);
    c.samples = 320;
    sr_dtmf_init(&c.detector, 16000);
    vowel(c.pcm, 8000);
    measure("dtmf speech 16 kHz", "per 20 ms frame", 20000, dtmf_run, &c);
}

/* ---- mixing ---- */

#define PARTIES 200

typedef struct {
    sr_mix_party parties[PARTIES];
    int16_t in[PARTIES][160];
    int top;
} mix_case;

static void mix_run(void *state, int calls)
{
    mix_case *c = state;
    int32_t sum[160];
    int16_t out[160];
    for (int i = 0; i < calls / PARTIES; i++) {
        sr_mix_sum(c->parties, PARTIES, c->top, 160, sum);
        sr_mix_common(sum, 160, out);
        for (int p = 0; p < PARTIES; p++)
            if (!sr_mix_hears_common(&c->parties[p], 0))
                sr_mix_output(c->parties, p, NULL, 0, sum, 160, out);
        sink += out[0];
    }
}

static void mix(void)
{
    static mix_case c;
    for (int p = 0; p < PARTIES; p++) {
        c.parties[p] = (sr_mix_party){.in = c.in[p], .gain = SR_MIX_UNITY};
        vowel(c.in[p], 160);
    }
    measure("mixer 200, all heard", "per party and tick, 8 kHz, 20 ms", 100 * PARTIES, mix_run, &c);
    c.top = 3;
    measure("mixer 200, loudest 3", "per party and tick", 100 * PARTIES, mix_run, &c);
}

/* ---- resampling ---- */

static void resample_run(void *state, int calls)
{
    int16_t in[960], out[961];
    vowel(in, 960);
    for (int i = 0; i < calls; i++)
        sink += sr_resample_run(state, in, 160 * ((sr_resample *)state)->filter->down, out);
}

static void resample(void)
{
    static sr_resample_filter filter;
    static sr_resample stream;
    sr_resample_filter_init(&filter, 8000, 16000);
    sr_resample_init(&stream, &filter);
    measure("resample 8 to 16 kHz", "per 20 ms frame", 20000, resample_run, &stream);
    sr_resample_filter_init(&filter, 16000, 8000);
    sr_resample_init(&stream, &filter);
    measure("resample 16 to 8 kHz", "per 20 ms frame", 20000, resample_run, &stream);
    sr_resample_filter_init(&filter, 48000, 8000);
    sr_resample_init(&stream, &filter);
    measure("resample 48 to 8 kHz", "per 20 ms frame", 20000, resample_run, &stream);
}

int main(int argc, char **argv)
{
    only = argc > 1 ? argv[1] : "";
    jitter();
    repair();
    dtmf();
    mix();
    resample();
    return 0;
}
