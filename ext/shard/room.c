/* SPDX-License-Identifier: Apache-2.0
 *
 * Conferences: each member says into the mix and hears it without itself. Rooms take turns within 20 ms.
 */
#include <string.h>

#include "plane.h"

#define QUIET_NS 1000000000LL    /* who has sent nothing for so long is not looked at */

static void unlink_leg(sr_leg *leg)
{
    *leg->room_link = leg->room_next;
    if (leg->room_next != NULL)
        leg->room_next->room_link = leg->room_link;
    leg->room_next = NULL;
    leg->room_link = NULL;
}

void sr_room_leave(sr_plane *plane, sr_leg *leg)
{
    sr_room *room = leg->room;
    if (room == NULL)
        return;
    unlink_leg(leg);
    leg->room = NULL;
    leg->override_count = 0;
    for (sr_leg *other = room->first; other != NULL; other = other->room_next)
        sr_room_override(other, leg->handle, SR_COMMON_GAIN);
    if (--room->count == 0) {
        sr_player_stop(&room->player);
        plane->active_rooms--;
        if (room->orphan)
            sr_room_record_stop(plane, (uint32_t)(room - plane->rooms));
    }
    sr_leg_choose_feed(plane, leg);
}

enum sr_error sr_room_join(sr_plane *plane, sr_leg *leg, uint32_t number, int top, uint16_t gain)
{
    if (number >= SR_MAX_ROOMS || top < 0 || top > SR_MIX_TOP_MAX || gain > 16 * SR_MIX_UNITY)
        return SR_BAD_RECORD;
    sr_room *room = &plane->rooms[number];
    if (leg->room != room && room->count == SR_MIX_PARTIES)
        return SR_NO_ROOM;
    if (leg->room != room) {
        sr_room_leave(plane, leg);
        leg->room = room;
        leg->room_next = room->first;
        leg->room_link = &room->first;
        if (room->first != NULL)
            room->first->room_link = &leg->room_next;
        room->first = leg;
        plane->active_rooms += room->count++ == 0;
        sr_leg_drop_playout(leg);
        leg->speaking = false;
        leg->party = (sr_mix_party){.gain = gain};
    }
    leg->party.gain = gain;
    room->top = top;
    sr_leg_choose_feed(plane, leg);
    return SR_OK;
}

enum sr_error sr_room_override(sr_leg *listener, uint32_t speaker, uint16_t gain)
{
    int at = 0;
    while (at < listener->override_count && listener->overrides[at].speaker != speaker)
        at++;
    if (gain == SR_COMMON_GAIN) {
        if (at < listener->override_count)
            listener->overrides[at] = listener->overrides[--listener->override_count];
        return SR_OK;
    }
    if (at == SR_MAX_OVERRIDES)
        return SR_NO_ROOM;
    listener->overrides[at].speaker = speaker;
    listener->overrides[at].gain = gain;
    if (at == listener->override_count)
        listener->override_count++;
    return SR_OK;
}

/* The widest member decides. */
static uint32_t room_rate(const sr_plane *plane, const sr_room *room)
{
    uint32_t rate_hz = plane->rates[0];
    for (const sr_leg *leg = room->first; leg != NULL; leg = leg->room_next)
        if (leg->configured && sr_send_codec(plane, leg)->sample_rate_hz > rate_hz)
            rate_hz = sr_send_codec(plane, leg)->sample_rate_hz;
    return rate_hz;
}

static int gather(sr_plane *plane, sr_room *room, uint32_t rate_hz, int samples)
{
    int count = 0;
    for (sr_leg *leg = room->first; leg != NULL; leg = leg->room_next, count++) {
        bool talks = (leg->flags & SR_RECEIVES) && leg->heard && plane->now_ns - leg->heard_ns < QUIET_NS;
        int16_t *said = plane->said + count * SR_MIX_SAMPLES;
        leg->party_index = count;
        leg->party.in = talks ? said : NULL;
        if (talks)
            sr_leg_listen(plane, leg, said, SR_MIX_MS, rate_hz);
        plane->parties[count] = leg->party;
    }
    if (room->player.kind != SR_PLAYER_NONE && count < SR_MIX_PARTIES) {
        int16_t *said = plane->said + count * SR_MIX_SAMPLES;
        if (sr_player_read(&room->player, said, samples, rate_hz) < samples)
            sr_player_stop(&room->player);
        plane->parties[count++] = (sr_mix_party){.in = said, .gain = SR_MIX_UNITY};
    }
    return count;
}

static void tell_speaking(sr_plane *plane, sr_room *room)
{
    for (sr_leg *leg = room->first; leg != NULL; leg = leg->room_next) {
        leg->party = plane->parties[leg->party_index];
        bool speaking = leg->party.speaking && leg->party.in != NULL;
        if (speaking != leg->speaking) {
            leg->speaking = speaking;
            sr_plane_fact(plane, SR_SPEAKING, leg, speaking, NULL);
        }
    }
}

/* What all hear who are not in the mix themselves, made and encoded once. */
typedef struct common_sound {
    bool made;
    int encoded[SR_MAX_CODECS];  /* bytes; 0: not yet */
    int16_t pcm[SR_MIX_SAMPLES];
    uint8_t payload[SR_MAX_CODECS][SR_MIX_SAMPLES * 2];
} common_sound;

/* Codecs with a state cannot share, nor can who is sent comfort noise: each listener's stream has its own history. */
static bool can_share(const sr_leg *leg, const sr_codec_ops *codec, uint32_t rate_hz)
{
    return codec->encoder_size == 0 && codec->sample_rate_hz == rate_hz && leg->send_noise_type == SR_NO_TYPE
        && leg->ptime_ms == SR_MIX_MS && leg->outgoing_count == 0;
}

static void send_common(sr_plane *plane, sr_leg *leg, common_sound *common, const sr_codec_ops *codec, int samples)
{
    uint8_t index = leg->send_codec;
    if (common->encoded[index] == 0)
        common->encoded[index] = codec->encode(NULL, common->pcm, samples, common->payload[index], sizeof common->payload[index]);
    if (common->encoded[index] > 0)
        sr_leg_send_payload(plane, leg, common->payload[index], common->encoded[index],
                            (uint32_t)samples / (codec->sample_rate_hz / codec->clock_rate_hz));
}

static int find_overrides(sr_plane *plane, const sr_leg *leg, sr_mix_override *overrides)
{
    int count = 0;
    for (int i = 0; i < leg->override_count; i++) {
        const sr_leg *speaker = sr_plane_leg(plane, leg->overrides[i].speaker);
        if (speaker != NULL && speaker->room == leg->room && speaker != leg)
            overrides[count++] = (sr_mix_override){(uint16_t)speaker->party_index, leg->overrides[i].gain};
    }
    return count;
}

static void answer(sr_plane *plane, sr_leg *leg, common_sound *common, uint32_t rate_hz, int samples)
{
    sr_mix_override overrides[SR_MAX_OVERRIDES];
    int count = find_overrides(plane, leg, overrides);
    const sr_codec_ops *codec = sr_send_codec(plane, leg);
    int16_t heard[SR_MIX_SAMPLES], converted[SR_MAX_FRAME_SAMPLES];
    const int16_t *pcm = heard;
    if (sr_mix_hears_common(&plane->parties[leg->party_index], count)) {
        if (!common->made)
            sr_mix_common(plane->sum, samples, common->pcm);
        common->made = true;
        if (can_share(leg, codec, rate_hz)) {
            send_common(plane, leg, common, codec, samples);
            return;
        }
        pcm = common->pcm;
    } else {
        sr_mix_output(plane->parties, leg->party_index, overrides, count, plane->sum, samples, heard);
    }
    if (codec->sample_rate_hz == rate_hz) {
        sr_leg_send_pcm(plane, leg, pcm, samples);
        return;
    }
    sr_convert(plane, &leg->to_remote, pcm, samples, rate_hz, converted, codec->sample_rate_hz);
    sr_leg_send_pcm(plane, leg, converted, (int)codec->sample_rate_hz / 1000 * SR_MIX_MS);
}

static void record_room(sr_plane *plane, sr_room *room, common_sound *common, uint32_t rate_hz, int samples)
{
    if (!common->made)
        sr_mix_common(plane->sum, samples, common->pcm);
    common->made = true;
    sr_tap_mixed(plane, room->tap, common->pcm, SR_MIX_MS, rate_hz);
}

static void mix(sr_plane *plane, sr_room *room)
{
    static _Thread_local common_sound common;
    uint32_t rate_hz = room_rate(plane, room);
    int samples = (int)rate_hz / 1000 * SR_MIX_MS;
    int count = gather(plane, room, rate_hz, samples);
    sr_mix_sum(plane->parties, count, room->top, samples, plane->sum);
    common.made = false;
    memset(common.encoded, 0, sizeof common.encoded);
    for (sr_leg *leg = room->first; leg != NULL; leg = leg->room_next)
        if (leg->feed == SR_FEED_MIX)
            answer(plane, leg, &common, rate_hz, samples);
    if (room->tap != NULL && sr_tap_runs(room->tap))
        record_room(plane, room, &common, rate_hz, samples);
    tell_speaking(plane, room);
}

void sr_rooms_tick(sr_plane *plane)
{
    if (plane->active_rooms == 0 && plane->recorded_rooms == 0)
        return;
    uint32_t turns = SR_MIX_MS / SR_SLOT_MS;
    for (uint32_t i = (uint32_t)(plane->slot % turns); i < SR_MAX_ROOMS; i += turns)
        if (plane->rooms[i].first != NULL || (plane->rooms[i].tap != NULL && sr_tap_runs(plane->rooms[i].tap)))
            mix(plane, &plane->rooms[i]);
}

enum sr_error sr_room_record(sr_plane *plane, uint32_t number, int fd, uint32_t recording, uint32_t rate_hz)
{
    if (number >= SR_MAX_ROOMS)
        return SR_NO_ROOM;
    sr_tap *tap = &plane->taps[plane->config.max_legs + number];
    enum sr_error error = sr_tap_start(plane, tap, 0, fd, recording, rate_hz, 1);
    if (error == SR_OK) {
        plane->rooms[number].tap = tap;
        plane->rooms[number].orphan = false;
        plane->recorded_rooms++;
        tap->heard.from_hz = 0;
    }
    return error;
}

void sr_room_record_pause(sr_plane *plane, uint32_t number, bool paused)
{
    if (plane->rooms[number].tap != NULL)
        plane->rooms[number].tap->paused = paused;
}

void sr_room_record_stop(sr_plane *plane, uint32_t number)
{
    sr_tap *tap = plane->rooms[number].tap;
    if (tap != NULL && sr_tap_end(tap))
        plane->recorded_rooms--;
}

void sr_rooms_abandon(sr_plane *plane)
{
    for (uint32_t i = 0; plane->recorded_rooms > 0 && i < SR_MAX_ROOMS; i++) {
        plane->rooms[i].orphan = true;
        if (plane->rooms[i].first == NULL)
            sr_room_record_stop(plane, i);
    }
}
