/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include "plane.h"

#define NOISE_RISE 1.004f        /* of each frame: 10 dB in about 6 s of frames of 80 ms */

void sr_doctor_pcm(sr_doctor *doctor, const int16_t *pcm, int samples, uint32_t rate_hz, uint32_t every)
{
    sr_levels_add(&doctor->levels, pcm, samples);
    doctor->rate_hz = rate_hz;
    doctor->every = every;
    float rms = doctor->levels.frame_rms, risen = doctor->noise_rms * NOISE_RISE;
    doctor->noise_rms = doctor->noise_rms == 0.0f || rms < risen ? rms : risen;
}

void sr_leg_hear(sr_plane *plane, sr_leg *leg, const sr_rtp *packet, uint8_t meaning)
{
    const sr_codec_ops *codec = plane->codecs[meaning];
    if (codec->decoder_size != 0 || leg->doctor.packets++ % SR_DOCTOR_EVERY != 0)
        return;
    int samples = codec->decode(NULL, packet->payload, packet->payload_bytes, plane->pcm, SR_MAX_FRAME_SAMPLES);
    if (samples > 0)
        sr_doctor_pcm(&leg->doctor, plane->pcm, samples, codec->sample_rate_hz, SR_DOCTOR_EVERY);
}

static uint64_t playout_ms(const sr_playout *playout, uint64_t samples)
{
    return playout->codec == NULL ? 0 : samples * 1000 / playout->codec->sample_rate_hz;
}

static uint64_t played_ms(const sr_playout *playout)
{
    if (playout->codec == NULL || playout->jitter.stats.played == 0)
        return 0;
    uint64_t packet_ticks = playout->jitter.window_span[0] ? playout->jitter.window_span[0] : playout->jitter.window_span[1];
    return playout->jitter.stats.played * packet_ticks * 1000 / playout->codec->clock_rate_hz;
}

void sr_doctor_note(sr_doctor *doctor, const sr_playout *playout)
{
    doctor->concealed_ms += playout_ms(playout, playout->concealed);
    doctor->played_ms += played_ms(playout);
    doctor->discarded += (uint32_t)(playout->jitter.stats.late + playout->jitter.stats.discarded);
}

void sr_leg_publish_doctor(const sr_leg *leg, sr_leg_stats *now)
{
    const sr_doctor *doctor = &leg->doctor;
    const sr_levels *levels = &doctor->levels;
    uint64_t per_ms = doctor->rate_hz ? doctor->rate_hz / 1000 : 1;
    now->heard_ms = (uint32_t)(levels->samples * doctor->every / per_ms);
    now->silence_ms = (uint32_t)(levels->silent * doctor->every / per_ms);
    now->silence_now_ms = (uint32_t)(levels->silent_now * doctor->every / per_ms);
    now->clipped = (uint32_t)(levels->clipped * doctor->every);
    now->speech_dbm0 = sr_dbm0(sr_levels_speech_rms(levels));
    now->noise_dbm0 = sr_dbm0(doctor->noise_rms);
    now->loss_gaps = leg->receiver.gaps + leg->counts.loss_gaps;
    now->concealed_ms = (uint32_t)doctor->concealed_ms;
    now->played_ms = (uint32_t)doctor->played_ms;
    now->discarded = doctor->discarded;
    now->delay_ms = 0;
    if (leg->playout_codec == SR_TYPE_UNKNOWN)
        return;
    const sr_playout *playout = leg->playout;
    now->concealed_ms += (uint32_t)playout_ms(playout, playout->concealed);
    now->played_ms += (uint32_t)played_ms(playout);
    now->discarded += (uint32_t)(playout->jitter.stats.late + playout->jitter.stats.discarded);
    now->delay_ms = (uint32_t)((uint64_t)playout->jitter.delay * 1000 / playout->codec->clock_rate_hz);
}

void sr_leg_report_quality(const sr_leg *leg, sr_xr_local *xr)
{
    sr_leg_stats now = {0};
    sr_leg_publish_doctor(leg, &now);
    const sr_rtp_receiver *receiver = &leg->receiver;
    uint32_t expected = receiver->started ? sr_rtp_highest(receiver) - receiver->base_sequence + 1 : 1;
    int32_t lost = sr_rtp_lost(receiver);
    bool heard = leg->doctor.levels.samples > 0;
    *xr = (sr_xr_local){
        .ssrc = receiver->started ? receiver->ssrc : 0,
        .loss = (uint8_t)(lost <= 0 ? 0 : (uint64_t)lost * 255 / expected),
        .discard = (uint8_t)(now.discarded >= expected ? 255 : (uint64_t)now.discarded * 255 / expected),
        .signal_dbm0 = heard ? (int8_t)now.speech_dbm0 : SR_XR_UNKNOWN,
        .noise_dbm0 = heard ? (int8_t)now.noise_dbm0 : SR_XR_UNKNOWN,
        .delay_ms = (uint16_t)(leg->rtcp.round_trip_ns / 1000000),
        .end_delay_ms = (uint16_t)(now.delay_ms + leg->ptime_ms),
        .buffer_ms = (uint16_t)now.delay_ms,
        .buffer_max_ms = SR_MAX_DELAY_MS,
        .duration_ms = expected * leg->ptime_ms,
    };
}

void sr_leg_drop_playout(sr_leg *leg)
{
    if (leg->playout_codec != SR_TYPE_UNKNOWN)
        sr_doctor_note(&leg->doctor, leg->playout);
    leg->playout_codec = SR_TYPE_UNKNOWN;
}
