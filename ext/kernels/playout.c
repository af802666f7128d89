/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/playout.h"

#include "kernels/timescale.h"

#include <stddef.h>
#include <string.h>

void sr_playout_init(sr_playout *p, const sr_codec_ops *codec, void *decoder, uint32_t min_delay_ms,
                     uint32_t max_delay_ms, uint32_t seed)
{
    memset(p, 0, offsetof(sr_playout, plc));
    p->codec = codec;
    p->decoder = decoder;
    if (codec->decoder_init)
        codec->decoder_init(decoder);
    sr_plc_init(&p->plc, codec->sample_rate_hz);
    sr_cng_init(&p->cng, seed);
    sr_jitter_init(&p->jitter, codec->clock_rate_hz, min_delay_ms, max_delay_ms);
}

static int ticks_to_samples(const sr_playout *p, uint32_t ticks)
{
    return (int)((uint64_t)ticks * p->codec->sample_rate_hz / p->codec->clock_rate_hz);
}

static uint32_t samples_to_ticks(const sr_playout *p, int samples)
{
    return (uint32_t)((uint64_t)samples * p->codec->clock_rate_hz / p->codec->sample_rate_hz);
}

/* Samples in place of a payload: by the codec's own means if it has any, in its whole frames. */
static int make(sr_playout *p, enum sr_jitter_verdict verdict, int samples, int16_t *out)
{
    enum sr_gap gap = verdict == SR_JITTER_DTX ? SR_GAP_UNTRANSMITTED : SR_GAP_LOST;
    if (gap == SR_GAP_LOST && p->jitter.started && !p->jitter.waiting)
        p->concealed += (uint64_t)samples;
    if (gap == SR_GAP_UNTRANSMITTED)
        p->noise += (uint64_t)samples;
    if (p->codec->conceal) {
        int unit = (int)p->codec->frame_samples;
        return p->codec->conceal(p->decoder, gap, out, (samples + unit - 1) / unit * unit);
    }
    if (gap == SR_GAP_UNTRANSMITTED) {
        sr_cng_generate(&p->cng, out, samples);
        sr_plc_good(&p->plc, out, samples);
    } else {
        sr_plc_lost(&p->plc, out, samples);
    }
    return samples;
}

/* Decode a packet to the end of the queue, and scale its time where the buffer asks for it. */
static int decode(sr_playout *p, enum sr_jitter_verdict verdict, const sr_jitter_packet *packet, int16_t *out)
{
    int16_t scaled[SR_PLAYOUT_DECODED];
    uint32_t rate_hz = p->codec->sample_rate_hz;
    int n = p->codec->decode(p->decoder, packet->payload, packet->bytes, out, SR_PLAYOUT_DECODED);
    if (n <= 0) {
        p->bad++;
        return make(p, SR_JITTER_LOSS, ticks_to_samples(p, packet->duration), out);
    }
    if (!p->codec->conceal)
        sr_plc_good(&p->plc, out, n);
    if (verdict == SR_JITTER_ACCELERATE)
        return sr_accelerate(out, n, rate_hz, 0, out);
    if (verdict == SR_JITTER_EXPAND && n + SR_TIMESCALE_EXTRA(rate_hz) <= SR_PLAYOUT_DECODED) {
        n = sr_expand(out, n, rate_hz, 0, scaled);
        memcpy(out, scaled, (size_t)n * sizeof *out);
    }
    return n;
}

void sr_playout_frame(sr_playout *p, int64_t now_ns, int16_t *pcm, int samples)
{
    while (p->queued < (uint32_t)samples) {
        sr_jitter_packet packet;
        int16_t *end = p->queue + p->queued;
        int missing = samples - (int)p->queued;
        uint32_t want = samples_to_ticks(p, missing);
        want = want ? want : 1;
        enum sr_jitter_verdict verdict =
            sr_jitter_pull(&p->jitter, now_ns, samples_to_ticks(p, (int)p->queued), want, &packet);
        int n;
        if (verdict <= SR_JITTER_EXPAND) {
            n = decode(p, verdict, &packet, end);
        } else {
            if (packet.payload)
                sr_cng_update(&p->cng, packet.payload, packet.bytes);
            n = ticks_to_samples(p, packet.duration);
            n = make(p, verdict, n > 0 && n < missing ? n : missing, end);
        }
        if (n <= 0) { /* nothing that lasts: a payload of no length, or a codec that cannot conceal */
            memset(end, 0, (size_t)missing * sizeof *end);
            n = missing;
        }
        p->queued += (uint32_t)n;
    }
    memcpy(pcm, p->queue, (size_t)samples * sizeof *pcm);
    p->queued -= (uint32_t)samples;
    memmove(p->queue, p->queue + samples, p->queued * sizeof *p->queue);
}
