/* SPDX-License-Identifier: Apache-2.0
 *
 * A leg's beginning and end, and what is done for it now and then: reports, limits of time, statistics.
 */
#include <errno.h>

#include "plane.h"

#define MS 1000000LL
#define UNSETTLE_NS (100 * MS)

/* Opens both sockets of a pair. Ports that some other program uses are passed over and rest like used ones. */
static enum sr_error open_ports(sr_plane *plane, sr_leg *leg, int *error_number)
{
    sr_net *net = &plane->net;
    for (uint32_t tries = sr_ports_count(plane->ports); tries > 0; tries--) {
        uint16_t port = sr_ports_take(plane->ports, plane->now_ns);
        if (port == 0)
            break;
        sr_endpoint local = plane->config.bind;
        sr_endpoint_set_port(&local, port);
        leg->rtp_fd = net->open(net->context, &local, plane->config.traffic_class);
        if (leg->rtp_fd >= 0) {
            sr_endpoint_set_port(&local, (uint16_t)(port + 1));
            leg->rtcp_fd = net->open(net->context, &local, plane->config.traffic_class);
            if (leg->rtcp_fd >= 0) {
                leg->port = port;
                return SR_OK;
            }
            net->close(net->context, leg->rtp_fd);
        }
        int error = leg->rtp_fd < 0 ? -leg->rtp_fd : -leg->rtcp_fd;
        sr_ports_give(plane->ports, port, plane->now_ns);
        if (error != EADDRINUSE) {
            *error_number = error;
            return SR_SYSTEM;
        }
    }
    return SR_NO_PORT;
}

/* What a slot keeps from one leg to the next is its memory, and the generation of the last handle. */
sr_leg *sr_leg_take(sr_plane *plane)
{
    if (plane->free_head == UINT32_MAX)
        return NULL;
    uint32_t index = plane->free_head;
    sr_leg *leg = &plane->legs[index];
    uint32_t generation = leg->counts.handle >> 16;
    sr_leg fresh = {
        .handle = (generation + 1) << 16 | index, .rtp_fd = -1, .rtcp_fd = -1, .encoder = leg->encoder,
        .decoder = leg->decoder, .outgoing = leg->outgoing, .playout = leg->playout, .next_free = UINT32_MAX,
        .from_remote.state = leg->from_remote.state, .to_remote.state = leg->to_remote.state,
        .playout_codec = SR_TYPE_UNKNOWN, .delay_max_ms = SR_MAX_DELAY_MS,
    };
    if (fresh.handle >> 16 == 0)
        fresh.handle = 1u << 16 | index;
    plane->free_head = leg->next_free;
    if (plane->free_head == UINT32_MAX)
        plane->free_tail = UINT32_MAX;
    *leg = fresh;
    leg->counts.handle = leg->handle;
    leg->open_at = plane->counts.open_legs++;
    plane->open[leg->open_at] = (uint16_t)index;
    return leg;
}

void sr_leg_release(sr_plane *plane, sr_leg *leg)
{
    uint32_t index = (uint32_t)(leg - plane->legs);
    leg->handle = 0;
    leg->next_free = UINT32_MAX;
    if (plane->free_tail == UINT32_MAX)
        plane->free_head = index;
    else
        plane->legs[plane->free_tail].next_free = index;
    plane->free_tail = index;
    uint16_t last = plane->open[--plane->counts.open_legs];
    plane->open[leg->open_at] = last;
    plane->legs[last].open_at = leg->open_at;
}

enum sr_error sr_leg_open(sr_plane *plane, sr_leg **opened, int *error_number)
{
    sr_leg *leg = sr_leg_take(plane);
    if (leg == NULL)
        return SR_NO_ROOM;
    enum sr_error error = open_ports(plane, leg, error_number);
    if (error != SR_OK) {
        sr_leg_release(plane, leg);
        return error;
    }
    sr_sender_init(&leg->sender, &plane->random);
    leg->rtcp_due_ns = plane->now_ns + sr_rtcp_interval_ns(&plane->random, true);
    sr_shard_watch(plane, leg->rtp_fd, (uint64_t)leg->handle << 1);
    sr_shard_watch(plane, leg->rtcp_fd, (uint64_t)leg->handle << 1 | 1);
    sr_leg_publish(plane, leg);
    *opened = leg;
    return SR_OK;
}

static void send_report(sr_plane *plane, sr_leg *leg, bool bye)
{
    if (!leg->configured || !(leg->flags & SR_REACHABLE))
        return;
    sr_sender *sender = &leg->sender;
    uint32_t clock_rate_hz = sr_send_codec(plane, leg)->clock_rate_hz;
    /* Who has not sent since the second last report is no sender (section 6.4). */
    bool active = sender->packets > 0 && plane->now_ns - sender->sent_ns < 10000 * MS;
    sr_sent sent = {sender->ssrc, sender->packets, sender->octets, sr_sender_clock(sender, clock_rate_hz, plane->now_ns)};
    uint8_t data[SR_RTCP_MAX_BYTES + SR_SRTP_TAIL_BYTES] __attribute__((aligned(8)));
    sr_xr_local xr;
    if (leg->flags & SR_XR)
        sr_leg_report_quality(leg, &xr);
    int bytes = sr_rtcp_write(&leg->rtcp, data, active ? &sent : NULL, sender->ssrc, &leg->receiver, plane->cname,
                              leg->flags & SR_XR ? &xr : NULL, plane->now_ns, plane->wall_ns, bye);
    if (leg->srtp.keys.suite != SR_PLAIN && (bytes = sr_srtp_seal(&leg->srtp, data, bytes, true)) < 0)
        return;
    bool mux = leg->flags & SR_MUX;
    const sr_endpoint *to = !mux ? &leg->rtcp_to : leg->settled ? NULL : &leg->latch.source;
    plane->net.send(plane->net.context, mux ? leg->rtp_fd : leg->rtcp_fd, data, bytes, to);
}

void sr_leg_close(sr_plane *plane, sr_leg *leg)
{
    sr_leg *peer = leg->peer;
    if (leg->sender.packets > 0 || leg->rtcp.sent > 0) /* section 6.3.7: who never sent says no goodbye */
        send_report(plane, leg, true);
    sr_leg_end_play(plane, leg, SR_CLOSED);
    if (peer != NULL) {
        leg->peer = peer->peer = NULL;
        sr_leg_choose_feed(plane, peer);
    }
    sr_room_leave(plane, leg);
    sr_tap_close(plane, leg);
    sr_srtp_clear(&leg->srtp);
    leg->feed = SR_FEED_NONE;
    sr_plane_schedule(plane, leg);
    sr_leg_publish(plane, leg);
    plane->net.close(plane->net.context, leg->rtp_fd);
    plane->net.close(plane->net.context, leg->rtcp_fd);
    sr_ports_give(plane->ports, leg->port, plane->now_ns);
    sr_leg_release(plane, leg);
}

void sr_leg_end_play(sr_plane *plane, sr_leg *leg, enum sr_played reason)
{
    if (leg->player.kind == SR_PLAYER_NONE)
        return;
    sr_record fact = {.body.played.reason = reason};
    sr_plane_fact(plane, SR_PLAYED, leg, leg->player.play, &fact);
    sr_player_stop(&leg->player);
    if (reason != SR_REPLACED)
        sr_leg_choose_feed(plane, leg);
}

void sr_leg_report_digits(sr_plane *plane, sr_leg *leg, const sr_digit *digits, int count)
{
    for (int i = 0; i < count; i++) {
        sr_record fact = {.body.digit = {digits[i].duration_ms, (uint8_t)digits[i].name, digits[i].in_band}};
        sr_plane_fact(plane, SR_DIGIT, leg, 0, &fact);
        leg->counts.digits++;
    }
}

#define REST_TIMES 10            /* a remote in DTX may be silent for so many times as long */

/* A remote that should send and does not; not while the call rings, nor on hold. */
static void watch_silence(sr_plane *plane, sr_leg *leg)
{
    if (!(leg->flags & SR_RECEIVES) || !leg->latch.confirmed || leg->timed_out || plane->config.rtp_timeout_ns == 0)
        return;
    int64_t since = leg->heard && leg->heard_ns > leg->expected_since_ns ? leg->heard_ns : leg->expected_since_ns;
    if (plane->now_ns - since >= plane->config.rtp_timeout_ns * (leg->rests ? REST_TIMES : 1)) {
        leg->timed_out = true;
        sr_plane_fact(plane, SR_TIMED_OUT, leg, 0, NULL);
    }
}

void sr_leg_keep(sr_plane *plane, sr_leg *leg)
{
    sr_digit digits[SR_EVENT_MAX_DIGITS];
    int count = sr_event_expire(&leg->events, leg->event_clock_hz, plane->now_ns, digits);
    sr_leg_report_digits(plane, leg, digits, count);
    watch_silence(plane, leg);
    if (plane->now_ns - leg->heard_ns > UNSETTLE_NS)
        sr_leg_settle(plane, leg, false);
    if (plane->now_ns >= leg->rtcp_due_ns) {
        send_report(plane, leg, false);
        leg->rtcp_due_ns = plane->now_ns + sr_rtcp_interval_ns(&plane->random, false);
    }
    sr_leg_publish(plane, leg);
}

static uint32_t microseconds(const sr_plane *plane, uint8_t codec, uint64_t units)
{
    return codec < plane->codec_count ? (uint32_t)(units * 1000000 / plane->codecs[codec]->clock_rate_hz) : 0;
}

void sr_leg_publish(sr_plane *plane, sr_leg *leg)
{
    sr_leg_stats *shared = &plane->leg_stats[leg - plane->legs], now = leg->counts;
    now.lost += sr_rtp_lost(&leg->receiver);
    if (now.lost < 0)
        now.lost = 0;
    now.jitter_us = microseconds(plane, leg->configured ? leg->arriving_codec : SR_TYPE_UNKNOWN, leg->receiver.jitter_x16 >> 4);
    now.round_trip_us = (uint32_t)(leg->rtcp.round_trip_ns / 1000);
    now.remote_lost = leg->rtcp.remote_lost;
    now.remote_fraction_lost = leg->rtcp.remote_fraction_lost;
    now.remote_jitter_us = microseconds(plane, leg->configured ? leg->send_codec : SR_TYPE_UNKNOWN, leg->rtcp.remote_jitter);
    now.rtcp_received = leg->rtcp.received;
    now.rtcp_sent = leg->rtcp.sent;
    now.remote_bye = leg->rtcp.bye;
    now.source_ssrc = leg->receiver.started ? leg->receiver.ssrc : 0;
    now.own_ssrc = leg->sender.ssrc;
    bool translated = leg->feed == SR_FEED_RELAY && leg->peer != NULL && leg->peer->arriving_codec != leg->send_codec;
    now.feed = (uint8_t)(translated ? SR_FEED_PEER : leg->feed);
    now.receive_codec = leg->configured && leg->heard ? leg->arriving_codec : SR_TYPE_UNKNOWN;
    now.send_codec = leg->configured ? leg->send_codec : SR_TYPE_UNKNOWN;
    now.flags = leg->flags;
    now.suite = leg->srtp.keys.suite;
    sr_leg_publish_doctor(leg, &now);
    sr_rtcp_publish(&leg->rtcp, &now);
    now.latched = leg->latch.trust != SR_UNKNOWN;
    now.confirmed = leg->latch.confirmed;
    now.timed_out = leg->timed_out;
    now.silent_ms = leg->heard ? (plane->now_ns - leg->heard_ns) / MS : -1;
    sr_endpoint_to_wire(&leg->latch.source, &now.source);
    sr_stats_begin(&shared->lock);
    now.lock = shared->lock;
    *shared = now;
    sr_stats_end(&shared->lock);
}
