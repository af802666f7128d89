/* SPDX-License-Identifier: Apache-2.0
 *
 * What a leg can be played: a prompt (PCM in memory shared with Python) or a tone with a cadence.
 */
#ifndef SWITCHROOM_PLAYER_H
#define SWITCHROOM_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

typedef struct sr_coded {
    const uint8_t *payload;      /* NULL: not encoded */
    uint32_t bytes, ms, frame_bytes; /* a frame is of 10 ms */
} sr_coded;

typedef struct sr_prompt {
    const int16_t *pcm;          /* NULL: nothing loaded */
    uint32_t samples, rate_hz;
    uint32_t readers;            /* players that use it now */
    bool unloading;              /* to be unmapped when the last reader is gone */
    sr_coded coded[SR_MAX_CODECS];
} sr_prompt;

/* Maps sealed memory to be read; NULL where it is too short or not sealed. */
const void *sr_map_sealed(int fd, size_t bytes);

/* Maps a sealed descriptor of 16-bit samples, and closes it. Returns 0 or -1. */
int sr_prompt_load(sr_prompt *prompt, int fd, uint32_t samples, uint32_t rate_hz);
void sr_prompt_unload(sr_prompt *prompt);

enum sr_player_kind { SR_PLAYER_NONE = 0, SR_PLAYER_PROMPT, SR_PLAYER_TONE };

typedef struct sr_cadence {
    sr_tone_spec spec;
    float amplitude;
    uint32_t step, at;           /* position inside the step, in samples */
    uint32_t phase[2];
    uint32_t played;             /* samples, for total_ms */
} sr_cadence;

typedef struct sr_player {
    enum sr_player_kind kind;
    uint32_t play;               /* the number by which Python knows it */
    bool loop, paused;
    bool coded;                  /* the packets of the prompt as it was encoded go out */
    uint16_t gain;               /* in 1/256 */
    uint32_t position;
    sr_prompt *prompt;
    sr_cadence tone;
} sr_player;

void sr_player_start_prompt(sr_player *player, sr_prompt *prompt, uint32_t play, bool loop);
/* To a place of the prompt, or by so much from where it is; tones have no places. */
void sr_player_seek(sr_player *player, int32_t ms, bool relative);
/* Returns false when the specification makes no sense. */
bool sr_player_start_tone(sr_player *player, const sr_tone_spec *spec);
void sr_player_stop(sr_player *player);

/* Fills `samples` of PCM; returns how many are sound, fewer only at the end (the rest is silence). */
int sr_player_read(sr_player *player, int16_t *pcm, int samples, uint32_t rate_hz);

#endif
