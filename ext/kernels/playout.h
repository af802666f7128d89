/* SPDX-License-Identifier: Apache-2.0
 *
 * The receiving half of a leg: packets in at any time, one frame of PCM out at each tick.
 *
 *     jitter buffer -> decoder | concealment | comfort noise -> time scaling -> queue -> frame
 *
 * One owner, no allocation: the decoder's state belongs to the caller (sr_codec_ops.decoder_size).
 */
#ifndef SWITCHROOM_PLAYOUT_H
#define SWITCHROOM_PLAYOUT_H

#include "codec_ops.h"
#include "kernels/cng.h"
#include "kernels/jitter.h"
#include "kernels/plc.h"

#define SR_PLAYOUT_DECODED 4096 /* samples of the longest payload */
#define SR_PLAYOUT_QUEUE (2 * SR_PLAYOUT_DECODED)

typedef struct sr_playout {
    const sr_codec_ops *codec;
    void *decoder;
    uint64_t concealed;  /* samples made for lost or missing packets while speech was on */
    uint64_t noise;      /* samples of comfort noise */
    uint64_t bad;        /* payloads that the decoder refused */
    uint32_t queued;
    sr_plc plc;
    sr_cng cng;
    int16_t queue[SR_PLAYOUT_QUEUE];
    sr_jitter jitter;
} sr_playout;

/* A leg that receives this codec; `decoder` holds codec->decoder_size bytes and is initialised here. */
void sr_playout_init(sr_playout *p, const sr_codec_ops *codec, void *decoder, uint32_t min_delay_ms,
                     uint32_t max_delay_ms, uint32_t seed);

/* Packets go straight into the buffer: sr_jitter_push(&p->jitter, ...). A CN payload (RFC 3389) is pushed with kind
 * SR_JITTER_SID and duration 0, an SID of the codec itself with its duration. */

/* The next `samples` (at most 60 ms) at the codec's rate. */
void sr_playout_frame(sr_playout *p, int64_t now_ns, int16_t *pcm, int samples);

#endif
