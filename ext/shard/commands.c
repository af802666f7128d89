/* SPDX-License-Identifier: Apache-2.0
 *
 * What Python orders, record by record. Each order is checked whole before anything of it is done.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plane.h"

static bool is_audio_type(uint8_t type)
{
    return type < 64 || (type > 95 && type < 128); /* RFC 5761 section 4: the rest would look like RTCP */
}

static bool is_type_or_none(uint8_t type)
{
    return type == SR_NO_TYPE || is_audio_type(type);
}

static bool makes_sense(const sr_plane *plane, const sr_configure *body)
{
    if (body->send_codec >= plane->codec_count || !is_audio_type(body->send_type) || body->ptime_ms < 10
        || body->ptime_ms > 60 || body->ptime_ms % 10 != 0 || body->receive_count > SR_MAX_RECEIVED_TYPES
        || !is_type_or_none(body->send_event_type) || !is_type_or_none(body->receive_event_type)
        || !is_type_or_none(body->noise_type) || !is_type_or_none(body->send_noise_type)
        || (body->receive_event_type != SR_NO_TYPE && body->event_clock_hz == 0))
        return false;
    for (int i = 0; i < body->receive_count; i++)
        if (!is_audio_type(body->receive_type[i]) || body->receive_codec[i] >= plane->codec_count)
            return false;
    return true;
}

static enum sr_error configure(sr_plane *plane, sr_leg *leg, const sr_configure *body)
{
    sr_endpoint rtp, rtcp;
    int family = plane->config.bind.address.any.sa_family;
    if (!makes_sense(plane, body) || !sr_endpoint_from_wire(&rtp, &body->rtp) || !sr_endpoint_fit(&rtp, family))
        return SR_BAD_RECORD;
    if (!sr_endpoint_from_wire(&rtcp, &body->rtcp) || !sr_endpoint_fit(&rtcp, family))
        return SR_BAD_RECORD;

    if ((body->flags & SR_RECEIVES) && !(leg->flags & SR_RECEIVES))
        leg->expected_since_ns = plane->now_ns;
    if (!(body->flags & SR_RECEIVES))
        leg->timed_out = false;
    bool moved = !sr_same_endpoint(&leg->latch.signalled, &rtp);
    if (moved)
        sr_leg_settle(plane, leg, false);
    sr_latch_signal(&leg->latch, &rtp, plane->now_ns);
    if (moved || !leg->configured)
        leg->rtcp_to = rtcp;

    const sr_codec_ops *codec = plane->codecs[body->send_codec];
    if (!leg->configured || leg->send_codec != body->send_codec || leg->ptime_ms != body->ptime_ms) {
        leg->outgoing_count = 0;
        if (codec->encoder_init != NULL)
            codec->encoder_init(leg->encoder);
        sr_dtx_init(&leg->dtx);
        leg->feed = SR_FEED_NONE; /* what goes out begins anew */
    }
    leg->flags = body->flags;
    leg->send_codec = body->send_codec;
    leg->send_type = body->send_type;
    leg->ptime_ms = body->ptime_ms;
    leg->frame_ms = body->ptime_ms % 20 == 0 ? 20 : 10;
    leg->send_noise_type = body->send_noise_type;
    leg->send_event_type = body->send_event_type;
    leg->receive_event_type = body->receive_event_type;
    leg->event_clock_hz = body->event_clock_hz;
    memset(leg->meaning, SR_TYPE_UNKNOWN, sizeof leg->meaning);
    for (int i = body->receive_count - 1; i >= 0; i--)
        leg->meaning[body->receive_type[i]] = body->receive_codec[i];
    if (body->receive_event_type != SR_NO_TYPE)
        leg->meaning[body->receive_event_type] = SR_TYPE_EVENT;
    if (body->noise_type != SR_NO_TYPE)
        leg->meaning[body->noise_type] = SR_TYPE_NOISE;
    leg->arriving_codec = body->receive_count ? body->receive_codec[0] : body->send_codec;
    leg->configured = true;

    sr_leg_choose_feed(plane, leg);
    if (leg->peer != NULL)
        sr_leg_choose_feed(plane, leg->peer);
    return SR_OK;
}

void sr_leg_unbridge(sr_plane *plane, sr_leg *leg)
{
    sr_leg *peer = leg->peer;
    if (peer == NULL)
        return;
    leg->peer = peer->peer = NULL;
    sr_leg_choose_feed(plane, leg);
    sr_leg_choose_feed(plane, peer);
}

static enum sr_error bridge(sr_plane *plane, sr_leg *leg, uint32_t handle)
{
    sr_leg *other = sr_plane_leg(plane, handle);
    if (other == NULL)
        return SR_NO_LEG;
    if (other == leg)
        return SR_BAD_RECORD;
    if (leg->peer == other)
        return SR_OK;
    sr_leg_unbridge(plane, leg);
    sr_leg_unbridge(plane, other);
    sr_room_leave(plane, leg);
    sr_room_leave(plane, other);
    leg->peer = other;
    other->peer = leg;
    sr_leg_choose_feed(plane, leg);
    sr_leg_choose_feed(plane, other);
    return SR_OK;
}

static sr_prompt *prompt_of(sr_plane *plane, uint32_t slot)
{
    if (slot >= plane->config.max_prompts || plane->prompts[slot].pcm == NULL || plane->prompts[slot].unloading)
        return NULL;
    return &plane->prompts[slot];
}

static enum sr_error play(sr_plane *plane, sr_leg *leg, const sr_record *command)
{
    sr_prompt *prompt = prompt_of(plane, command->other);
    if (prompt == NULL)
        return SR_NO_PROMPT;
    if (command->body.play.loop > SR_LOOP_SHARED || command->body.play.gain > 16 * SR_MIX_UNITY)
        return SR_BAD_RECORD;
    sr_leg_end_play(plane, leg, SR_REPLACED);
    sr_player_start_prompt(&leg->player, prompt, command->body.play.play, command->body.play.loop != SR_ONCE);
    if (command->body.play.gain != 0)
        leg->player.gain = (uint16_t)command->body.play.gain;
    leg->player.coded = leg->configured && leg->player.gain == SR_MIX_UNITY && prompt->coded[leg->send_codec].payload != NULL;
    leg->player.position = command->body.play.start % prompt->samples;
    if (command->body.play.loop == SR_LOOP_SHARED)
        leg->player.position = (uint32_t)(plane->slot * (prompt->rate_hz / 1000 * SR_SLOT_MS) % prompt->samples);
    sr_sender_break(&leg->sender);
    sr_leg_choose_feed(plane, leg);
    return SR_OK;
}

static enum sr_error tone(sr_plane *plane, sr_leg *leg, const sr_tone_spec *spec)
{
    sr_player player;
    if (!sr_player_start_tone(&player, spec))
        return SR_BAD_RECORD;
    sr_leg_end_play(plane, leg, SR_REPLACED);
    leg->player = player;
    sr_sender_break(&leg->sender);
    sr_leg_choose_feed(plane, leg);
    return SR_OK;
}

static enum sr_error room_tone(sr_plane *plane, const sr_record *command)
{
    sr_player player;
    if (command->other >= SR_MAX_ROOMS || plane->rooms[command->other].first == NULL)
        return SR_NO_ROOM;
    if (!sr_player_start_tone(&player, &command->body.tone) || command->body.tone.total_ms == 0)
        return SR_BAD_RECORD;
    plane->rooms[command->other].player = player;
    return SR_OK;
}

/* A slot that is needed again while somebody still hears what was in it (of a former server): that comes to its end. */
static void end_plays(sr_plane *plane, const sr_prompt *prompt)
{
    for (uint32_t i = 0; prompt->unloading && prompt->pcm != NULL && i < plane->config.max_legs; i++) {
        sr_leg *leg = &plane->legs[i];
        if (leg->handle != 0 && leg->player.kind == SR_PLAYER_PROMPT && leg->player.prompt == prompt)
            sr_leg_end_play(plane, leg, SR_STOPPED);
    }
}

static enum sr_error load_coded(sr_plane *plane, const sr_record *command, int fd)
{
    sr_prompt *prompt = prompt_of(plane, command->other);
    enum sr_error error = prompt == NULL ? SR_NO_PROMPT : SR_BAD_RECORD;
    if (prompt != NULL && fd >= 0 && command->body.prompt.rate_hz == prompt->rate_hz)
        error = sr_prompt_code(plane, prompt, fd, command->body.prompt.codec - 1, command->body.prompt.samples,
                               command->body.prompt.bytes);
    if (fd >= 0)
        close(fd);
    return error;
}

static enum sr_error load(sr_plane *plane, const sr_record *command, int fd)
{
    if (command->body.prompt.codec != 0)
        return load_coded(plane, command, fd);
    if (command->other < plane->config.max_prompts)
        end_plays(plane, &plane->prompts[command->other]);
    if (fd < 0 || command->other >= plane->config.max_prompts || plane->prompts[command->other].pcm != NULL) {
        if (fd >= 0)
            close(fd);
        return SR_BAD_RECORD;
    }
    sr_prompt *prompt = &plane->prompts[command->other];
    return sr_prompt_load(prompt, fd, command->body.prompt.samples, command->body.prompt.rate_hz) < 0 ? SR_BAD_RECORD : SR_OK;
}

/* Failed plays must be told apart from running ones, even where no answer was asked for. */
static void tell_failed_play(sr_plane *plane, const sr_leg *leg, const sr_record *command, enum sr_error error)
{
    uint32_t number = command->op == SR_TONE ? command->body.tone.play : command->body.play.play;
    sr_record fact = {.body.played.reason = SR_FAILED};
    if (error != SR_OK)
        sr_plane_fact(plane, SR_PLAYED, leg, number, &fact);
}

static enum sr_error obey_for_leg(sr_plane *plane, sr_leg *leg, const sr_record *command)
{
    enum sr_error error = SR_OK;
    switch (command->op) {
    case SR_CONFIGURE:
        return configure(plane, leg, &command->body.configure);
    case SR_SECURE:
        return sr_srtp_set(&leg->srtp, &command->body.secure, plane->now_ns) ? SR_OK : SR_BAD_RECORD;
    case SR_KEYS_SEND:
        if (!sr_keypad_add(&leg->keypad, &command->body.keys))
            return SR_BAD_RECORD;
        sr_leg_choose_feed(plane, leg);
        return SR_OK;
    case SR_DELAY:
        if (command->body.delay.min_ms > command->body.delay.max_ms || command->body.delay.max_ms > 1000)
            return SR_BAD_RECORD;
        leg->delay_min_ms = command->body.delay.min_ms;
        leg->delay_max_ms = command->body.delay.max_ms;
        if (leg->playout_codec != SR_TYPE_UNKNOWN)
            sr_jitter_bounds(&leg->playout->jitter, leg->delay_min_ms, leg->delay_max_ms);
        return SR_OK;
    case SR_KEYS_DROP:
        leg->keypad.count = leg->keypad.count > 1 ? 1 : leg->keypad.count;
        return SR_OK;
    case SR_CONFIRM:
        if (!leg->latch.confirmed)
            leg->expected_since_ns = plane->now_ns;
        leg->latch.confirmed = true;
        sr_leg_choose_feed(plane, leg);
        return SR_OK;
    case SR_TAG:
        memcpy(leg->tag, command->body.text, sizeof leg->tag);
        return SR_OK;
    case SR_CLOSE:
        sr_leg_close(plane, leg);
        return SR_OK;
    case SR_BRIDGE:
        return bridge(plane, leg, command->other);
    case SR_UNBRIDGE:
        sr_leg_unbridge(plane, leg);
        return SR_OK;
    case SR_ECHO:
        leg->echo = command->other != 0;
        sr_leg_choose_feed(plane, leg);
        return SR_OK;
    case SR_PLAY:
        error = play(plane, leg, command);
        tell_failed_play(plane, leg, command, error);
        return error;
    case SR_TONE:
        error = tone(plane, leg, &command->body.tone);
        tell_failed_play(plane, leg, command, error);
        return error;
    case SR_STOP:
        sr_leg_end_play(plane, leg, SR_STOPPED);
        return SR_OK;
    case SR_PLAY_PAUSE:
        leg->player.paused = command->other != 0;
        return SR_OK;
    case SR_PLAY_SEEK:
        sr_player_seek(&leg->player, command->body.seek.ms, command->body.seek.relative != 0);
        return SR_OK;
    case SR_RECORD_AHEAD:
        return sr_tap_ahead(plane, leg, command->body.ahead.ms, command->body.ahead.rate_hz, command->body.ahead.channels);
    case SR_JOIN:
        if (command->body.join.top > SR_MIX_TOP_MAX || command->body.join.gain > UINT16_MAX)
            return SR_BAD_RECORD;
        if (!command->body.join.over_bridge)
            sr_leg_unbridge(plane, leg);
        return sr_room_join(plane, leg, command->other, (int)command->body.join.top, (uint16_t)command->body.join.gain);
    case SR_LEAVE:
        sr_room_leave(plane, leg);
        return SR_OK;
    case SR_GAIN:
        if (command->other > 16 * SR_MIX_UNITY)
            return SR_BAD_RECORD;
        leg->party.gain = (uint16_t)command->other;
        return SR_OK;
    case SR_DETECT:
        sr_tap_detect(plane, leg, (uint8_t)command->other);
        return SR_OK;
    case SR_RECORD_PAUSE:
        sr_tap_pause(plane, leg, command->other != 0);
        return SR_OK;
    case SR_RECORD_STOP:
        sr_tap_stop(plane, leg);
        return SR_OK;
    case SR_HEARS:
        if (command->body.hears.gain > UINT16_MAX || sr_plane_leg(plane, command->other) == NULL)
            return SR_BAD_RECORD;
        return sr_room_override(leg, command->other, (uint16_t)command->body.hears.gain);
    default:
        return SR_BAD_RECORD;
    }
}

static enum sr_error obey_for_plane(sr_plane *plane, const sr_record *command, int fd)
{
    switch (command->op) {
    case SR_LOAD:
        return load(plane, command, fd);
    case SR_UNLOAD:
        if (prompt_of(plane, command->other) == NULL)
            return SR_NO_PROMPT;
        sr_prompt_unload(&plane->prompts[command->other]);
        return SR_OK;
    case SR_HOLD_MUSIC:
        if (prompt_of(plane, command->other) == NULL)
            return SR_NO_PROMPT;
        for (uint32_t rate = 0; rate < plane->rate_count; rate++)
            if (plane->rates[rate] == plane->prompts[command->other].rate_hz)
                plane->hold_prompt[rate] = command->other + 1;
        return SR_OK;
    case SR_ROOM_TONE:
        return room_tone(plane, command);
    case SR_ROOM_RECORD_PAUSE:
    case SR_ROOM_RECORD_STOP:
        if (command->other >= SR_MAX_ROOMS)
            return SR_NO_ROOM;
        if (command->op == SR_ROOM_RECORD_STOP)
            sr_room_record_stop(plane, command->other);
        else
            sr_room_record_pause(plane, command->other, command->body.pause.paused != 0);
        return SR_OK;
    case SR_LIST:
        sr_plane_list(plane, command->other);
        return SR_OK;
    case SR_SHUTDOWN:
        plane->stopping = true;
        return SR_OK;
    default:
        return SR_BAD_RECORD;
    }
}

static bool is_for_leg(uint16_t op)
{
    return (op >= SR_CONFIGURE && op <= SR_STOP) || (op >= SR_JOIN && op <= SR_RECORD_STOP) || (op >= SR_SECURE && op <= SR_DELAY)
        || (op >= SR_PLAY_PAUSE && op <= SR_RECORD_AHEAD) || op == SR_TAG;
}

static bool takes_a_file(uint16_t op)
{
    return op == SR_RECORD || op == SR_ROOM_RECORD || op == SR_EAR;
}

static void tell_codecs(const sr_plane *plane, char *text, size_t room)
{
    for (uint32_t i = 0, at = 0; i < plane->codec_count && at < room; i++)
        at += (uint32_t)snprintf(text + at, room - at, "%s%s/%u", i > 0 ? " " : "", plane->codecs[i]->name,
                                 (unsigned)plane->codecs[i]->sample_rate_hz);
}

static enum sr_error record(sr_plane *plane, const sr_record *command, int fd)
{
    sr_leg *leg = sr_plane_leg(plane, command->leg);
    enum sr_error error = SR_NO_LEG;
    if (command->op == SR_ROOM_RECORD)
        error = sr_room_record(plane, command->other, fd, command->body.record.number, command->body.record.rate_hz);
    else if (leg != NULL && command->op == SR_EAR)
        error = sr_tap_ear(plane, leg, fd, command->other != 0);
    else if (leg != NULL)
        error = sr_tap_record(plane, leg, fd, command->body.record.number, command->body.record.rate_hz,
                              command->body.record.channels);
    if (error != SR_OK && fd >= 0)
        close(fd);
    return error;
}

void sr_plane_obey(sr_plane *plane, const sr_record *command, int fd)
{
    sr_record answer = {0};
    enum sr_error error;
    if (fd >= 0 && command->op != SR_LOAD && !takes_a_file(command->op))
        close(fd);
    if (command->op == SR_HELLO) {
        error = command->other == SR_WIRE_VERSION ? SR_OK : SR_BAD_RECORD;
        tell_codecs(plane, answer.body.text, sizeof answer.body.text);
    } else if (command->op == SR_OPEN) {
        sr_leg *leg = NULL;
        int error_number = 0;
        error = sr_leg_open(plane, &leg, &error_number);
        if (error == SR_OK) {
            answer.leg = leg->handle;
            answer.body.opened.port = leg->port;
        } else {
            answer.body.system.error_number = error_number;
        }
    } else if (command->op == SR_DEPART) {
        sr_leg *leg = sr_plane_leg(plane, command->leg);
        error = leg == NULL ? SR_NO_LEG : sr_leg_depart(plane, leg, &answer.body.departed);
    } else if (command->op == SR_ARRIVE) {
        sr_leg *leg = NULL;
        error = sr_leg_arrive(plane, command->body.arrive.parcel, &leg);
        answer.leg = leg == NULL ? 0 : leg->handle;
    } else if (takes_a_file(command->op)) {
        answer.leg = command->leg;
        error = record(plane, command, fd);
    } else if (is_for_leg(command->op)) {
        sr_leg *leg = sr_plane_leg(plane, command->leg);
        answer.leg = command->leg;
        error = leg == NULL ? SR_NO_LEG : obey_for_leg(plane, leg, command);
    } else {
        error = obey_for_plane(plane, command, fd);
    }
    sr_plane_answer(plane, command, &answer, error);
}
