/* SPDX-License-Identifier: Apache-2.0
 *
 * A leg goes to another shard of the same process, with its sockets and all that it knows of its streams.
 */
#include <string.h>

#include "plane.h"
#include "transit.h"

typedef struct parcel {
    sr_leg leg;                  /* its pointers mean nothing here */
    uint8_t detect;
    bool has_playout;
    sr_playout playout;
    int16_t outgoing[2 * SR_MAX_FRAME_SAMPLES];
    uint8_t states[] __attribute__((aligned(64))); /* encoder, decoder */
} parcel;

static size_t parcel_bytes(const sr_plane *plane)
{
    return sizeof(parcel) + plane->encoder_bytes + plane->decoder_bytes;
}

/* Codec numbers must mean the same at both ends. */
static uint64_t signature(const sr_plane *plane)
{
    uint64_t sum = plane->codec_count;
    for (uint32_t i = 0; i < plane->codec_count; i++)
        sum = sum * 1099511628211u + (uintptr_t)plane->codecs[i];
    return sum;
}

static void pack(const sr_plane *plane, const sr_leg *leg, parcel *out)
{
    out->leg = *leg;
    out->detect = sr_tap_detected(plane, leg);
    out->has_playout = leg->playout_codec != SR_TYPE_UNKNOWN;
    if (out->has_playout)
        out->playout = *leg->playout;
    memcpy(out->outgoing, leg->outgoing, sizeof out->outgoing);
    memcpy(out->states, leg->encoder, plane->encoder_bytes);
    memcpy(out->states + plane->encoder_bytes, leg->decoder, plane->decoder_bytes);
}

static void unpack(const sr_plane *plane, sr_leg *leg, const parcel *in)
{
    sr_leg here = *leg;
    *leg = in->leg;
    leg->handle = leg->counts.handle = here.handle;
    leg->open_at = here.open_at;
    leg->next_free = here.next_free;
    leg->encoder = here.encoder;
    leg->decoder = here.decoder;
    leg->outgoing = here.outgoing;
    leg->playout = here.playout;
    leg->from_remote = here.from_remote;
    leg->to_remote = here.to_remote;
    memcpy(leg->outgoing, in->outgoing, sizeof in->outgoing);
    memcpy(leg->encoder, in->states, plane->encoder_bytes);
    memcpy(leg->decoder, in->states + plane->encoder_bytes, plane->decoder_bytes);
    if (in->has_playout) {
        *leg->playout = in->playout;
        leg->playout->decoder = leg->decoder;
    }
}

enum sr_error sr_leg_depart(sr_plane *plane, sr_leg *leg, sr_departed *departed)
{
    if (sr_tap_is_recording(plane, leg))
        return SR_BUSY;
    uint64_t number;
    parcel *out = sr_transit_pack(parcel_bytes(plane), &number);
    if (out == NULL)
        return SR_NO_ROOM;
    if (leg->peer != NULL)
        sr_leg_unbridge(plane, leg);
    sr_room_leave(plane, leg);
    if (leg->player.kind == SR_PLAYER_PROMPT) { /* the other shard has its own prompts: Python starts it again there */
        departed->play = leg->player.play;
        departed->position = leg->player.position;
        sr_player_stop(&leg->player);
    }
    leg->feed = SR_FEED_NONE;
    sr_plane_schedule(plane, leg);
    pack(plane, leg, out);
    sr_tap_close(plane, leg);
    memset(&leg->srtp, 0, sizeof leg->srtp); /* its keys went along */
    sr_shard_unwatch(plane, leg->rtp_fd);
    sr_shard_unwatch(plane, leg->rtcp_fd);
    sr_leg_release(plane, leg);
    departed->parcel = number;
    sr_transit_leave(number, signature(plane));
    return SR_OK;
}

enum sr_error sr_leg_arrive(sr_plane *plane, uint64_t number, sr_leg **arrived)
{
    sr_leg *leg = sr_leg_take(plane);
    if (leg == NULL)
        return SR_NO_ROOM;
    parcel *in = sr_transit_take(number, signature(plane), parcel_bytes(plane));
    if (in == NULL) {
        sr_leg_release(plane, leg);
        return SR_BAD_RECORD;
    }
    unpack(plane, leg, in);
    if (in->detect != 0)
        sr_tap_detect(plane, leg, in->detect);
    sr_transit_free(in, parcel_bytes(plane));
    sr_sender_break(&leg->sender); /* SSRC and sequence go on; the timestamp by the time that has passed */
    sr_shard_watch(plane, leg->rtp_fd, (uint64_t)leg->handle << 1);
    sr_shard_watch(plane, leg->rtcp_fd, (uint64_t)leg->handle << 1 | 1);
    sr_leg_choose_feed(plane, leg);
    sr_leg_publish(plane, leg);
    *arrived = leg;
    return SR_OK;
}
