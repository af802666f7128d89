/* SPDX-License-Identifier: Apache-2.0
 *
 * RTP payloads of G.729 (RFC 3551 section 4.5.6): any number of 10 octet frames, then at most one SID of 2 octets.
 *
 * Such a payload has no room for a pause inside it, as only its last frame may be a SID. Where speech sets in within a
 * packet that began in silence, the packet is encoded again with all of its frames as speech, so that nothing is
 * shifted in time. A descriptor counts as one frame of 80 samples.
 */
#include <string.h>

#include "payload.h"

enum { SPEECH_BYTES = 10, SID_BYTES = 2, ERASED = -1 };

/* Written once, when the module is loaded. */
static const g729_variant *use = NULL;

void g729_payload_variant(const g729_variant *variant) { use = variant; }

static void init_encoder(void *encoder) { use->encoder_init(encoder, 1); }
static void init_encoder_annexa(void *encoder) { use->encoder_init(encoder, 0); }
static void init_decoder(void *decoder) { use->decoder_init(decoder); }

/* One pass over a packet; -1 when speech follows silence in it. */
static int encode_pass(void *encoder, const int16_t *pcm, int frames, int forced, uint8_t *payload)
{
    int written = 0, silent = 0;
    uint8_t sid[SPEECH_BYTES];
    int has_sid = 0;
    for (int i = 0; i < frames; i++, pcm += FRAME) {
        uint8_t frame[SPEECH_BYTES];
        int bytes = use->encode(encoder, pcm, forced, frame);
        if (bytes == SPEECH_BYTES) {
            if (silent)
                return -1;
            memcpy(payload + written, frame, SPEECH_BYTES);
            written += SPEECH_BYTES;
            continue;
        }
        silent = 1;
        if (bytes == SID_BYTES) {
            memcpy(sid, frame, SID_BYTES);
            has_sid = 1;
        }
    }
    if (has_sid) {
        memcpy(payload + written, sid, SID_BYTES);
        written += SID_BYTES;
    }
    return written;
}

static int encode_payload(void *encoder, const int16_t *pcm, int samples, uint8_t *payload, int capacity)
{
    int frames = samples / FRAME;
    if (capacity < frames * SPEECH_BYTES)
        return -1;
    if (frames == 1 || !((g729_encoder *)encoder)->annex_b)
        return encode_pass(encoder, pcm, frames, 0, payload);
    g729_encoder before;
    memcpy(&before, encoder, sizeof before);
    int written = encode_pass(encoder, pcm, frames, 0, payload);
    if (written < 0) {
        memcpy(encoder, &before, sizeof before);
        written = encode_pass(encoder, pcm, frames, 1, payload);
    }
    return written;
}

static int payload_samples(const uint8_t *payload, int bytes)
{
    int rest = bytes % SPEECH_BYTES;
    if (bytes <= 0 || (rest != 0 && rest != SID_BYTES))
        return -1;
    return (bytes / SPEECH_BYTES + (rest != 0)) * FRAME;
}

static int decode_payload(void *decoder, const uint8_t *payload, int bytes, int16_t *pcm, int capacity)
{
    if (payload_samples(payload, bytes) < 0)
        return -1;
    int written = 0;
    while (bytes > 0 && written + FRAME <= capacity) {
        int frame = bytes >= SPEECH_BYTES ? SPEECH_BYTES : SID_BYTES;
        use->decode(decoder, payload, frame, pcm + written);
        payload += frame;
        bytes -= frame;
        written += FRAME;
    }
    return written;
}

static int conceal(void *decoder, enum sr_gap gap, int16_t *pcm, int samples)
{
    int written = 0;
    for (; written + FRAME <= samples; written += FRAME)
        use->decode(decoder, NULL, gap == SR_GAP_UNTRANSMITTED ? 0 : ERASED, pcm + written);
    return written;
}

#define G729_OPS(init)                                                                                               \
    {                                                                                                                \
        .abi = SR_CODEC_ABI, .name = "G729", .sample_rate_hz = 8000, .clock_rate_hz = 8000, .frame_samples = FRAME,  \
        .frame_bytes = SPEECH_BYTES, .encoder_size = sizeof(g729_encoder), .decoder_size = sizeof(g729_decoder),     \
        .encoder_init = init, .decoder_init = init_decoder, .encode = encode_payload, .decode = decode_payload,      \
        .conceal = conceal, .payload_samples = payload_samples,                                                      \
    }

const sr_codec_ops g729_ops = G729_OPS(init_encoder);
const sr_codec_ops g729_ops_annexa = G729_OPS(init_encoder_annexa);
