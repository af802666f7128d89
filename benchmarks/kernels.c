/* SPDX-License-Identifier: Apache-2.0
 *
 * Cost of each kernel, ns per call, best of ROUNDS rounds; run by kernels.py. An argument selects by prefix.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/jitter.h"

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

int main(int argc, char **argv)
{
    only = argc > 1 ? argv[1] : "";
    jitter();
    return 0;
}
