/* SPDX-License-Identifier: Apache-2.0
 *
 * The path of the packets through a leg: in from its sockets, and out to its remote.
 */
#include <string.h>

#include "bytes.h"
#include "plane.h"
#include "random.h"


void sr_leg_settle(sr_plane *plane, sr_leg *leg, bool settled)
{
    if (settled == leg->settled || leg->handle == 0)
        return;
    if (plane->net.settle(plane->net.context, leg->rtp_fd, settled ? &leg->latch.source : NULL))
        leg->settled = settled;
}

static uint8_t sent_meaning(const sr_leg *leg, uint8_t type)
{
    return type == leg->send_type ? leg->send_codec : type == leg->send_noise_type ? SR_TYPE_NOISE : SR_TYPE_EVENT;
}

void sr_leg_send(sr_plane *plane, sr_leg *leg, const sr_rtp *packet)
{
    if (leg->tapped)
        sr_tap_push(plane, leg, packet, sent_meaning(leg, packet->payload_type), false);
    uint8_t *data = sr_rtp_write_header(packet);
    int bytes = SR_RTP_HEADER_BYTES + packet->payload_bytes;
    if (leg->srtp.keys.suite != SR_PLAIN && (bytes = sr_srtp_seal(&leg->srtp, data, bytes, false)) < 0) {
        leg->counts.send_errors++;
        return;
    }
    const sr_endpoint *to = leg->settled ? NULL : &leg->latch.source;
    if (plane->net.send(plane->net.context, leg->rtp_fd, data, bytes, to) < 0) {
        leg->counts.send_errors++;
        return;
    }
    leg->counts.sent_packets++;
    leg->counts.sent_bytes += (uint64_t)bytes;
    plane->counts.sent_packets++;
}

/* What `leg` hears arrives as packets: out they go, under its own numbers. */
static void relay(sr_plane *plane, sr_leg *leg, const sr_leg *from, sr_rtp *packet, bool restarted)
{
    uint8_t meaning = from->meaning[packet->payload_type];
    const uint8_t *translation = sr_leg_translation(plane, meaning, leg);
    uint8_t type = SR_NO_TYPE;
    if (meaning == SR_TYPE_EVENT)
        type = leg->send_event_type;
    else if (meaning == SR_TYPE_NOISE)
        type = leg->send_noise_type;
    else if (meaning == leg->send_codec || translation != NULL)
        type = leg->send_type;
    if (type == SR_NO_TYPE) {
        if (restarted)
            sr_sender_break(&leg->sender);
        sr_sender_skip(&leg->sender);
        return;
    }
    plane->passed_ns = plane->now_ns;
    for (int i = 0; translation != NULL && i < packet->payload_bytes; i++)
        packet->payload[i] = translation[packet->payload[i]];
    packet->payload_type = type;
    sr_sender_relay(&leg->sender, packet, from->handle, restarted, sr_send_codec(plane, leg)->clock_rate_hz, plane->now_ns);
    sr_leg_send(plane, leg, packet);
}

bool sr_leg_buffer(sr_plane *plane, sr_playout *playout, const sr_rtp *packet, uint8_t meaning)
{
    const sr_codec_ops *codec = playout->codec;
    sr_jitter_packet buffered = {
        .payload = packet->payload, .bytes = (uint16_t)packet->payload_bytes, .seq = packet->sequence,
        .timestamp = packet->timestamp, .ssrc = packet->ssrc, .payload_type = packet->payload_type,
        .marker = packet->marker, .kind = SR_JITTER_OTHER,
    };
    if (meaning == SR_TYPE_NOISE) {
        buffered.kind = SR_JITTER_SID;
    } else if (meaning < SR_MAX_CODECS) {
        int samples = codec->payload_samples(packet->payload, packet->payload_bytes);
        if (samples <= 0 || samples > SR_PLAYOUT_DECODED)
            return false;
        buffered.kind = SR_JITTER_AUDIO;
        buffered.duration = (uint32_t)samples / (codec->sample_rate_hz / codec->clock_rate_hz);
    }
    sr_jitter_push(&playout->jitter, plane->now_ns, &buffered);
    return true;
}

/* Into the jitter buffer of the leg, from which its listeners take at their clock. */
static void buffer_packet(sr_plane *plane, sr_leg *leg, const sr_rtp *packet, uint8_t meaning)
{
    uint8_t index = meaning < SR_MAX_CODECS ? meaning : leg->arriving_codec;
    if (leg->playout_codec != index) {
        sr_leg_drop_playout(leg);
        leg->playout_codec = index;
        sr_playout_init(leg->playout, plane->codecs[index], leg->decoder, leg->delay_min_ms, leg->delay_max_ms,
                        (uint32_t)sr_random(&plane->random));
    }
    if (!sr_leg_buffer(plane, leg->playout, packet, meaning))
        leg->counts.invalid++;
}

/* Keeps the order of the stream in the books. Returns false for packets that go no further. */
static bool account(sr_plane *plane, sr_leg *leg, const sr_rtp *packet, uint8_t meaning, bool *restarted)
{
    sr_rtp_receiver *receiver = &leg->receiver;
    *restarted = false;
    if (!receiver->started || receiver->ssrc != packet->ssrc) {
        leg->counts.lost += sr_rtp_lost(receiver);
        leg->counts.loss_gaps += receiver->gaps;
        leg->counts.restarts += receiver->started;
        leg->rtcp.last_report = 0;
        *restarted = receiver->started;
        sr_rtp_receiver_start(receiver, packet);
    } else {
        int32_t lost = sr_rtp_lost(receiver);
        switch (sr_rtp_receiver_update(receiver, packet)) {
        case SR_IN_ORDER:
            break;
        case SR_LATE:
            leg->counts.late++;
            break;
        case SR_DUPLICATE:
            leg->counts.duplicate++;
            leg->counts.lost++; /* which RFC 3550 takes off */
            return false;
        case SR_RESTARTED:
            leg->counts.lost += lost;
            leg->counts.restarts++;
            *restarted = true;
            break;
        case SR_IMPLAUSIBLE:
            leg->counts.invalid++;
            return false;
        }
    }
    if (meaning < SR_MAX_CODECS) {
        uint64_t rate = plane->codecs[meaning]->clock_rate_hz;
        sr_rtp_receiver_jitter(receiver, packet, (uint32_t)((uint64_t)plane->now_ns / 1000 * rate / 1000000));
    }
    return true;
}

static void note_arrival(sr_plane *plane, sr_leg *leg, int bytes)
{
    leg->counts.received_packets++;
    leg->counts.received_bytes += (uint64_t)bytes;
    plane->counts.received_packets++;
    leg->heard_ns = plane->now_ns;
    leg->heard = true;
    if (leg->timed_out) {
        leg->timed_out = false;
        sr_plane_fact(plane, SR_RESUMED, leg, 0, NULL);
    }
}

/* Decrypts in place. Returns false for what is not of the remote, which is counted and goes no further. */
static bool open_packet(sr_plane *plane, sr_leg *leg, uint8_t *data, int *bytes, bool rtcp)
{
    switch (sr_srtp_open(&leg->srtp, data, bytes, rtcp, plane->now_ns)) {
    case SR_OPENED:
        return true;
    case SR_REPLAYED:
        leg->counts.replayed++;
        return false;
    case SR_WRONG_KEY:
        leg->counts.unauthentic++;
        return false;
    default:
        leg->counts.invalid++;
        return false;
    }
}

static void receive_rtp(sr_plane *plane, sr_leg *leg, uint8_t *data, int bytes, const sr_endpoint *from)
{
    sr_rtp packet;
    uint8_t meaning;
    int arrived = bytes;
    if (leg->srtp.keys.suite != SR_PLAIN && !open_packet(plane, leg, data, &bytes, false))
        return;
    if (!leg->configured || !sr_rtp_parse(&packet, data, bytes)
        || (meaning = leg->meaning[packet.payload_type]) == SR_TYPE_UNKNOWN) {
        leg->counts.invalid++;
        return;
    }
    uint32_t clock_rate_hz = meaning < SR_MAX_CODECS ? plane->codecs[meaning]->clock_rate_hz : leg->event_clock_hz;
    switch (sr_latch_judge(&leg->latch, from, &packet, &leg->receiver, clock_rate_hz, plane->now_ns)) {
    case SR_STRANGER:
        leg->counts.stranger++;
        return;
    case SR_MOVED: {
        sr_record fact = {0};
        sr_endpoint_to_wire(from, &fact.body.address);
        sr_plane_fact(plane, SR_LATCHED, leg, 0, &fact);
        break;
    }
    case SR_SOURCE:
        if (!leg->settled && leg->latch.confirmed && leg->latch.trust == SR_SIGNALLED)
            sr_leg_settle(plane, leg, true);
        break;
    }
    note_arrival(plane, leg, arrived);
    bool restarted;
    if (!account(plane, leg, &packet, meaning, &restarted))
        return;

    if (meaning == SR_TYPE_EVENT) {
        sr_digit digits[SR_EVENT_MAX_DIGITS];
        int count = sr_event_receive(&leg->events, &packet, leg->event_clock_hz, plane->now_ns, digits);
        sr_leg_report_digits(plane, leg, digits, count);
    } else if (meaning < SR_MAX_CODECS && meaning != leg->arriving_codec) {
        leg->arriving_codec = meaning;
        if (leg->peer != NULL)
            sr_leg_choose_feed(plane, leg->peer);
    } else if (meaning == SR_TYPE_NOISE && !leg->sends_noise) {
        leg->sends_noise = true;
        if (leg->peer != NULL)
            sr_leg_choose_feed(plane, leg->peer);
    }
    leg->rests = meaning == SR_TYPE_NOISE;
    if (!(leg->flags & SR_RECEIVES))
        return;
    if (meaning < SR_MAX_CODECS)
        sr_leg_hear(plane, leg, &packet, meaning);
    if (leg->tapped)
        sr_tap_push(plane, leg, &packet, meaning, true);
    if (leg->feed == SR_FEED_ECHO)
        relay(plane, leg, leg, &packet, restarted);
    else if (leg->room != NULL) {
        buffer_packet(plane, leg, &packet, meaning);
        if (meaning == SR_TYPE_EVENT && leg->peer != NULL && !leg->keeps_digits)
            sr_leg_forward_event(plane, leg->peer, &packet); /* a bridge that is listened to is still one */
    } else if (leg->peer != NULL && leg->peer->feed == SR_FEED_RELAY)
        relay(plane, leg->peer, leg, &packet, restarted);
    else if (leg->peer != NULL && leg->peer->feed == SR_FEED_PEER) {
        buffer_packet(plane, leg, &packet, meaning);
        if (meaning == SR_TYPE_EVENT && !leg->keeps_digits)
            sr_leg_forward_event(plane, leg->peer, &packet);
    }
}

static void receive_rtcp(sr_plane *plane, sr_leg *leg, uint8_t *data, int bytes, const sr_endpoint *from)
{
    if (!sr_same_host(from, &leg->latch.source)) {
        leg->counts.stranger++;
        return;
    }
    if (leg->srtp.keys.suite != SR_PLAIN && !open_packet(plane, leg, data, &bytes, true))
        return;
    if (!sr_rtcp_read(&leg->rtcp, data, bytes, leg->sender.ssrc, &leg->receiver, plane->now_ns, plane->wall_ns)) {
        leg->counts.invalid++;
        return;
    }
    if (leg->receiver.started && sr_read32(data + 4) == leg->receiver.ssrc)
        leg->rtcp_to = *from; /* behind a NAT the reports come from a mapped port as well */
}

void sr_leg_rtp_ready(sr_plane *plane, sr_leg *leg)
{
    uint8_t *data = plane->datagram + SR_HEADROOM;
    sr_endpoint from;
    int bytes = plane->net.receive(plane->net.context, leg->rtp_fd, data, SR_DATAGRAM_BYTES, &from);
    if (bytes < 0)
        return;
    if (sr_is_rtcp(data, bytes))
        receive_rtcp(plane, leg, data, bytes, &from);
    else
        receive_rtp(plane, leg, data, bytes, &from);
}

void sr_leg_rtcp_ready(sr_plane *plane, sr_leg *leg)
{
    uint8_t *data = plane->datagram + SR_HEADROOM;
    sr_endpoint from;
    int bytes = plane->net.receive(plane->net.context, leg->rtcp_fd, data, SR_DATAGRAM_BYTES, &from);
    if (bytes >= 0)
        receive_rtcp(plane, leg, data, bytes, &from);
}

static enum sr_feed wanted_feed(const sr_plane *plane, const sr_leg *leg)
{
    enum sr_feed idle = leg->latch.confirmed ? SR_FEED_SILENCE : SR_FEED_NONE;
    const sr_leg *peer = leg->peer;
    if (!leg->configured || !(leg->flags & SR_SENDS))
        return SR_FEED_NONE;
    if (sr_keypad_busy(&leg->keypad))
        return SR_FEED_KEYPAD;
    if (leg->player.kind != SR_PLAYER_NONE)
        return SR_FEED_PLAYER;
    if (leg->echo)
        return SR_FEED_ECHO;
    if (leg->room != NULL)
        return peer != NULL && (peer->flags & SR_HELD) ? SR_FEED_HOLD : SR_FEED_MIX;
    if (peer == NULL || !peer->configured)
        return idle;
    if (peer->flags & SR_HELD)
        return SR_FEED_HOLD;
    if (!(peer->flags & SR_RECEIVES))
        return idle;
    bool as_it_is = peer->arriving_codec == leg->send_codec || sr_leg_translation(plane, peer->arriving_codec, leg) != NULL;
    if (peer->sends_noise && leg->send_noise_type == SR_NO_TYPE)
        as_it_is = false; /* the noise is made here, for who does not know it */
    return as_it_is && !peer->keeps_digits && peer->ptime_ms == leg->ptime_ms ? SR_FEED_RELAY : SR_FEED_PEER;
}

void sr_leg_choose_feed(sr_plane *plane, sr_leg *leg)
{
    enum sr_feed feed = wanted_feed(plane, leg);
    if (feed == leg->feed)
        return;
    if (feed == SR_FEED_PEER)
        sr_leg_drop_playout(leg->peer); /* what was buffered for an earlier listener is old */
    sr_sender_break(&leg->sender);
    leg->feed = feed;
    leg->outgoing_count = leg->coded_ms = 0;
    sr_plane_schedule(plane, leg);
}

void sr_leg_listen(sr_plane *plane, sr_leg *leg, int16_t *pcm, int ms, uint32_t rate_hz)
{
    int samples = (int)rate_hz / 1000 * ms;
    if (leg->playout_codec == SR_TYPE_UNKNOWN) {
        memset(pcm, 0, (size_t)samples * sizeof *pcm);
        return;
    }
    uint32_t from_hz = plane->codecs[leg->playout_codec]->sample_rate_hz;
    if (from_hz == rate_hz) {
        sr_playout_frame(leg->playout, plane->now_ns, pcm, samples);
        if (plane->codecs[leg->playout_codec]->decoder_size != 0)
            sr_doctor_pcm(&leg->doctor, pcm, samples, rate_hz, 1);
        if (leg->keeps_digits)
            sr_tap_clean(plane, leg, pcm, samples, rate_hz);
        return;
    }
    int16_t said[SR_MAX_FRAME_SAMPLES];
    int count = (int)from_hz / 1000 * ms;
    sr_playout_frame(leg->playout, plane->now_ns, said, count);
    if (plane->codecs[leg->playout_codec]->decoder_size != 0)
        sr_doctor_pcm(&leg->doctor, said, count, from_hz, 1);
    if (leg->keeps_digits)
        sr_tap_clean(plane, leg, said, count, from_hz);
    sr_convert(plane, &leg->from_remote, said, count, from_hz, pcm, rate_hz);
}

static void read_hold_music(const sr_plane *plane, int16_t *pcm, int samples, uint32_t rate_hz)
{
    memset(pcm, 0, (size_t)samples * sizeof *pcm);
    for (uint32_t rate = 0; rate < plane->rate_count; rate++) {
        const sr_prompt *music = plane->hold_prompt[rate] ? &plane->prompts[plane->hold_prompt[rate] - 1] : NULL;
        if (plane->rates[rate] != rate_hz || music == NULL || music->pcm == NULL)
            continue;
        uint64_t at = plane->slot * (rate_hz / 1000 * SR_SLOT_MS); /* all who are held hear the same moment of it */
        for (int i = 0; i < samples; i++)
            pcm[i] = music->pcm[(at + (uint64_t)i) % music->samples];
    }
}

static void fill(sr_plane *plane, sr_leg *leg, int16_t *pcm, int samples, uint32_t rate_hz)
{
    switch (leg->feed) {
    case SR_FEED_PEER:
        sr_leg_listen(plane, leg->peer, pcm, leg->frame_ms, rate_hz);
        return;
    case SR_FEED_HOLD:
        read_hold_music(plane, pcm, samples, rate_hz);
        return;
    case SR_FEED_PLAYER:
        if (sr_player_read(&leg->player, pcm, samples, rate_hz) < samples)
            sr_leg_end_play(plane, leg, SR_FINISHED);
        return;
    default:
        memset(pcm, 0, (size_t)samples * sizeof *pcm);
    }
}

static void send_outgoing(sr_plane *plane, sr_leg *leg, const sr_codec_ops *codec, int samples)
{
    uint32_t units = (uint32_t)samples / (codec->sample_rate_hz / codec->clock_rate_hz);
    sr_rtp packet = {.payload = plane->datagram + SR_HEADROOM, .payload_type = leg->send_type};
    enum sr_dtx_verdict verdict = SR_DTX_TALK;
    if (leg->send_noise_type != SR_NO_TYPE)
        verdict = sr_dtx_next(&leg->dtx, leg->outgoing, samples, leg->ptime_ms, packet.payload, &packet.payload_bytes);
    if (verdict == SR_DTX_NOISE)
        packet.payload_type = leg->send_noise_type;
    else if (verdict != SR_DTX_REST)
        packet.payload_bytes = codec->encode(leg->encoder, leg->outgoing, samples, packet.payload, SR_DATAGRAM_BYTES);
    leg->outgoing_count -= samples;
    memmove(leg->outgoing, leg->outgoing + samples, (size_t)leg->outgoing_count * sizeof *leg->outgoing);
    if (packet.payload_bytes <= 0 || plane->now_ns < leg->forwarding_until_ns) {
        sr_sender_pass(&leg->sender, units);
        return;
    }
    sr_sender_generate(&leg->sender, &packet, units, codec->clock_rate_hz, plane->now_ns);
    packet.marker |= verdict == SR_DTX_SPURT;
    sr_leg_send(plane, leg, &packet);
}

void sr_leg_send_payload(sr_plane *plane, sr_leg *leg, const uint8_t *payload, int bytes, uint32_t units)
{
    sr_rtp packet = {.payload = plane->datagram + SR_HEADROOM, .payload_type = leg->send_type, .payload_bytes = bytes};
    if (plane->now_ns < leg->forwarding_until_ns) {
        sr_sender_pass(&leg->sender, units);
        return;
    }
    memcpy(packet.payload, payload, (size_t)bytes);
    sr_sender_generate(&leg->sender, &packet, units, sr_send_codec(plane, leg)->clock_rate_hz, plane->now_ns);
    sr_leg_send(plane, leg, &packet);
}

void sr_leg_send_pcm(sr_plane *plane, sr_leg *leg, const int16_t *pcm, int samples)
{
    const sr_codec_ops *codec = sr_send_codec(plane, leg);
    int whole = (int)codec->sample_rate_hz / 1000 * leg->ptime_ms;
    memcpy(leg->outgoing + leg->outgoing_count, pcm, (size_t)samples * sizeof *pcm);
    leg->outgoing_count += samples;
    while (leg->outgoing_count >= whole)
        send_outgoing(plane, leg, codec, whole);
}

void sr_leg_generate(sr_plane *plane, sr_leg *leg)
{
    uint32_t rate_hz = sr_send_codec(plane, leg)->sample_rate_hz;
    int samples = (int)rate_hz / 1000 * leg->frame_ms;
    if (leg->feed == SR_FEED_KEYPAD) {
        sr_leg_press(plane, leg);
        return;
    }
    if (sr_leg_send_coded(plane, leg))
        return;
    fill(plane, leg, plane->pcm, samples, rate_hz);
    sr_leg_send_pcm(plane, leg, plane->pcm, samples);
}
