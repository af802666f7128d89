/* SPDX-License-Identifier: Apache-2.0
 *
 * The one table of functions through which the media plane meets a codec.
 *
 * The plane knows no codec: a codec module fills one constant table and hands its address over in a PyCapsule named
 * SR_CODEC_CAPSULE. Every function is called without the GIL, from any one thread at a time per state, and allocates
 * nothing; states are plain memory of `encoder_size` and `decoder_size` bytes, aligned to 16 (32 where the size is a
 * multiple of 32), that the plane owns.
 */
#ifndef SWITCHROOM_CODEC_OPS_H
#define SWITCHROOM_CODEC_OPS_H

#include <stddef.h>
#include <stdint.h>

#define SR_CODEC_ABI 1
#define SR_CODEC_CAPSULE "switchroom.codec_ops"

/* Why a decoder is asked for audio without a payload. */
enum sr_gap {
    SR_GAP_LOST = 0,          /* a packet is missing: conceal it */
    SR_GAP_UNTRANSMITTED = 1, /* the far end is in DTX: go on with comfort noise */
};

typedef struct sr_codec_ops {
    uint32_t abi;             /* SR_CODEC_ABI */
    const char *name;         /* the encoding name of the rtpmap (RFC 8866), e.g. "PCMU" */
    uint32_t sample_rate_hz;  /* of the PCM on the near side */
    uint32_t clock_rate_hz;   /* of the RTP timestamp (8000 for G.722 as well: RFC 3551 section 4.5.2) */
    uint32_t frame_samples;   /* PCM comes and goes in multiples of this; 1 for sample codecs, 80 for G.729 */
    uint32_t frame_bytes;     /* largest encoding of one frame, bytes */
    size_t encoder_size;      /* bytes of encoder state, 0 when it has none */
    size_t decoder_size;

    void (*encoder_init)(void *encoder);
    void (*decoder_init)(void *decoder);

    /* Encode `samples` (a multiple of frame_samples) into `payload`; returns the bytes written. 0 means that nothing is
     * to be sent for this interval (DTX); -1 that `capacity` is too small. */
    int (*encode)(void *encoder, const int16_t *pcm, int samples, uint8_t *payload, int capacity);

    /* Decode one RTP payload; returns the samples written, at most `capacity`; -1 for a payload that cannot be one. */
    int (*decode)(void *decoder, const uint8_t *payload, int bytes, int16_t *pcm, int capacity);

    /* Make `samples` of audio where no payload is (see sr_gap); returns the samples written. NULL: the plane uses its
     * own concealment for lost packets, and silence for untransmitted ones. */
    int (*conceal)(void *decoder, enum sr_gap gap, int16_t *pcm, int samples);

    /* The samples that a payload stands for, without decoding it; -1 for a payload that cannot be one. */
    int (*payload_samples)(const uint8_t *payload, int bytes);
} sr_codec_ops;

#endif
