/* SPDX-License-Identifier: Apache-2.0
 *
 * Prompts and hold music for codecs that are dear to encode: encoded once for all who hear them, sent packet by packet.
 * Every payload is of whole frames of 10 ms and all of them have one length, so one encoding serves all packet lengths.
 */
#include <string.h>

#include "plane.h"

#define FRAME_MS 10u
#define SEAM_MS 10000u           /* a loop of so much sound may have up to 50 ms of silence at its seam */

enum sr_error sr_prompt_code(sr_plane *plane, sr_prompt *prompt, int fd, uint32_t codec, uint32_t samples, uint32_t bytes)
{
    uint32_t per_ms = prompt->rate_hz / 1000, ms = samples / per_ms, frames = ms / FRAME_MS;
    bool good = codec < plane->codec_count && plane->codecs[codec]->sample_rate_hz == prompt->rate_hz
        && samples >= prompt->samples && samples % per_ms == 0 && ms % SR_CODED_MULTIPLE_MS == 0 && frames > 0 && bytes % frames == 0
        && bytes / frames <= SR_MAX_FRAME_SAMPLES / 6 && prompt->coded[codec].payload == NULL;
    const void *memory = good ? sr_map_sealed(fd, bytes) : NULL;
    if (memory == NULL)
        return SR_BAD_RECORD;
    prompt->coded[codec] = (sr_coded){memory, bytes, ms, bytes / frames};
    return SR_OK;
}

static const sr_prompt *music_of(const sr_plane *plane, uint32_t rate_hz)
{
    for (uint32_t rate = 0; rate < plane->rate_count; rate++)
        if (plane->rates[rate] == rate_hz && plane->hold_prompt[rate] != 0)
            return &plane->prompts[plane->hold_prompt[rate] - 1];
    return NULL;
}

/* What the leg hears, encoded; NULL where it must be encoded for this leg alone. */
static const sr_coded *coded_of(const sr_plane *plane, const sr_leg *leg)
{
    const sr_player *player = &leg->player;
    const sr_prompt *prompt = NULL;
    if (leg->feed == SR_FEED_HOLD)
        prompt = music_of(plane, sr_send_codec(plane, leg)->sample_rate_hz);
    else if (leg->feed == SR_FEED_PLAYER && player->kind == SR_PLAYER_PROMPT && player->coded && !player->paused)
        prompt = player->prompt;
    if (prompt == NULL || prompt->pcm == NULL || prompt->coded[leg->send_codec].payload == NULL)
        return NULL;
    bool loop = leg->feed == SR_FEED_HOLD || player->loop;
    uint32_t per_ms = prompt->rate_hz / 1000;
    if (loop && prompt->samples % (per_ms * leg->ptime_ms) != 0 && prompt->samples < SEAM_MS * per_ms)
        return NULL;
    return &prompt->coded[leg->send_codec];
}

/* From where the next packet comes; the player goes on by it. Returns false where no whole packet is left. */
static bool next_packet(sr_plane *plane, sr_leg *leg, const sr_coded *coded, uint32_t *at_ms, bool *ended)
{
    sr_player *player = &leg->player;
    *ended = false;
    if (leg->feed == SR_FEED_HOLD) { /* all who are held hear the same moment of it */
        uint64_t packet = plane->slot * SR_SLOT_MS / leg->ptime_ms;
        *at_ms = (uint32_t)(packet % (coded->ms / leg->ptime_ms)) * leg->ptime_ms;
        return true;
    }
    uint32_t per_ms = player->prompt->rate_hz / 1000;
    *at_ms = player->position / per_ms / FRAME_MS * FRAME_MS;
    if (*at_ms + leg->ptime_ms > coded->ms && player->loop)
        *at_ms = 0;
    if (*at_ms + leg->ptime_ms > coded->ms)
        return false;
    player->position = (*at_ms + leg->ptime_ms) * per_ms;
    if (player->position >= player->prompt->samples) {
        *ended = !player->loop;
        player->position = 0;
    }
    return true;
}

/* The part of a packet that was waited for without PCM is silence, if PCM follows. */
static void leave_gap(sr_plane *plane, sr_leg *leg)
{
    leg->outgoing_count = (int)(sr_send_codec(plane, leg)->sample_rate_hz / 1000 * leg->coded_ms);
    memset(leg->outgoing, 0, (size_t)leg->outgoing_count * sizeof *leg->outgoing);
    leg->coded_ms = 0;
}

bool sr_leg_send_coded(sr_plane *plane, sr_leg *leg)
{
    const sr_coded *coded = leg->outgoing_count == 0 ? coded_of(plane, leg) : NULL;
    uint32_t at_ms;
    bool ended;
    if (coded == NULL) {
        if (leg->coded_ms > 0)
            leave_gap(plane, leg);
        return false;
    }
    if (leg->coded_ms + leg->frame_ms < leg->ptime_ms) {
        leg->coded_ms = (uint8_t)(leg->coded_ms + leg->frame_ms);
        return true;
    }
    if (!next_packet(plane, leg, coded, &at_ms, &ended)) {
        leave_gap(plane, leg);
        return false;
    }
    leg->coded_ms = 0;
    uint32_t units = sr_send_codec(plane, leg)->clock_rate_hz / 1000 * leg->ptime_ms;
    sr_leg_send_payload(plane, leg, coded->payload + at_ms / FRAME_MS * coded->frame_bytes,
                        (int)(leg->ptime_ms / FRAME_MS * coded->frame_bytes), units);
    if (ended)
        sr_leg_end_play(plane, leg, SR_FINISHED);
    return true;
}
