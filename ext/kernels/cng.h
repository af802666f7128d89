/* SPDX-License-Identifier: Apache-2.0
 *
 * Comfort noise of RFC 3389: one byte of level, then reflection coefficients of an all-pole filter, made from a frame of
 * noise and turned into noise again. The level is in -dBov (0 dBov: a full-scale square wave), 0 to 127.
 */
#ifndef SWITCHROOM_CNG_H
#define SWITCHROOM_CNG_H

#include <stdint.h>

#define SR_CNG_ORDER_MAX 12

typedef struct sr_cng {
    uint32_t noise;  /* state of the generator of random numbers */
    int order;
    float gain;      /* of the excitation at present */
    float goal;      /* and where it is going */
    float k[SR_CNG_ORDER_MAX];
    float delayed[SR_CNG_ORDER_MAX + 1];
} sr_cng;

/* Silence until the first update; the same seed gives the same noise. */
void sr_cng_init(sr_cng *c, uint32_t seed);

/* A CN payload has come; -1 when it is empty. Coefficients past SR_CNG_ORDER_MAX are ignored (RFC 3389 section 3). */
int sr_cng_update(sr_cng *c, const uint8_t *payload, int bytes);

void sr_cng_generate(sr_cng *c, int16_t *pcm, int samples);

/* Describe a frame of noise by its level and `order` (0 to SR_CNG_ORDER_MAX) coefficients; returns the bytes written. */
int sr_cng_describe(const int16_t *pcm, int samples, int order, uint8_t *payload);

#endif
