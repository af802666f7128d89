/* SPDX-License-Identifier: Apache-2.0
 *
 * CPU time of encoding and decoding the same frames, for each variant of our codec and for libbcg729 where it is there.
 *
 * Built and run by ../bench_g729.py as `compare PCM ANNEX_B ROUNDS`. The codecs take turns in every round, so that a busy
 * machine slows all of them, and the best round of each counts. Output: one line a codec, with ns per frame to encode
 * and to decode.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "g729.h"

typedef struct peer {
    void *(*open_encoder)(uint8_t vad);
    void (*close_encoder)(void *);
    void (*encode)(void *, const int16_t *pcm, uint8_t *out, uint8_t *bytes);
    void *(*open_decoder)(void);
    void (*close_decoder)(void *);
    void (*decode)(void *, const uint8_t *in, uint8_t bytes, uint8_t erased, uint8_t sid, uint8_t rfc3389, int16_t *pcm);
} peer;

static int load_peer(peer *p)
{
    void *library = dlopen("libbcg729.so.0", RTLD_NOW);
    if (!library)
        return 0;
    *(void **)&p->open_encoder = dlsym(library, "initBcg729EncoderChannel");
    *(void **)&p->close_encoder = dlsym(library, "closeBcg729EncoderChannel");
    *(void **)&p->encode = dlsym(library, "bcg729Encoder");
    *(void **)&p->open_decoder = dlsym(library, "initBcg729DecoderChannel");
    *(void **)&p->close_decoder = dlsym(library, "closeBcg729DecoderChannel");
    *(void **)&p->decode = dlsym(library, "bcg729Decoder");
    return p->open_encoder && p->close_encoder && p->encode && p->open_decoder && p->close_decoder && p->decode;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static int16_t *pcm, *out;
static uint8_t *coded;
static int8_t *bytes;
static long frames;

static void keep(double *best, double took) { *best = took < *best ? took : *best; }

static void run_peer(const peer *p, int annex_b, double best[2])
{
    void *encoder = p->open_encoder((uint8_t)annex_b), *decoder = p->open_decoder();
    double start = now_ns();
    for (long i = 0; i < frames; i++) {
        uint8_t length;
        p->encode(encoder, pcm + i * FRAME, coded + i * 10, &length);
        bytes[i] = (int8_t)length;
    }
    double middle = now_ns();
    for (long i = 0; i < frames; i++)
        p->decode(decoder, coded + i * 10, (uint8_t)bytes[i], 0, bytes[i] == 2, 0, out + i * FRAME);
    double end = now_ns();
    keep(&best[0], middle - start);
    keep(&best[1], end - middle);
    p->close_encoder(encoder);
    p->close_decoder(decoder);
}

static void run_ours(const g729_variant *v, int annex_b, double best[2])
{
    g729_encoder encoder;
    g729_decoder decoder;
    v->encoder_init(&encoder, annex_b);
    v->decoder_init(&decoder);
    double start = now_ns();
    for (long i = 0; i < frames; i++)
        bytes[i] = (int8_t)v->encode(&encoder, pcm + i * FRAME, 0, coded + i * 10);
    double middle = now_ns();
    for (long i = 0; i < frames; i++)
        v->decode(&decoder, coded + i * 10, bytes[i], out + i * FRAME);
    double end = now_ns();
    keep(&best[0], middle - start);
    keep(&best[1], end - middle);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int annex_b = atoi(argv[2]), rounds = atoi(argv[3]);
    FILE *file = fopen(argv[1], "rb");
    if (!file)
        return 2;
    fseek(file, 0, SEEK_END);
    frames = ftell(file) / (2 * FRAME);
    rewind(file);
    pcm = malloc(frames * 2 * FRAME);
    out = malloc(frames * 2 * FRAME);
    coded = malloc(frames * 10);
    bytes = malloc(frames);
    if (!pcm || !out || !coded || !bytes || fread(pcm, 2 * FRAME, frames, file) != (size_t)frames)
        return 2;
    fclose(file);

    peer p;
    int has_peer = load_peer(&p);
    double best[4][2] = {{1e18, 1e18}, {1e18, 1e18}, {1e18, 1e18}, {1e18, 1e18}};
    for (int round = 0; round < rounds; round++) {
        for (int place = 0; place < 3; place++)
            if (g729_variant_at(place))
                run_ours(g729_variant_at(place), annex_b, best[place]);
        if (has_peer)
            run_peer(&p, annex_b, best[3]);
    }
    for (int place = 0; place < 3; place++)
        if (g729_variant_at(place))
            printf("%s %.1f %.1f\n", g729_variant_at(place)->name, best[place][0] / frames, best[place][1] / frames);
    if (has_peer)
        printf("libbcg729 %.1f %.1f\n", best[3][0] / frames, best[3][1] / frames);
    return 0;
}
