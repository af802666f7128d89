/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "player.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FULL_SCALE_DBM0 3.14f    /* of a sine as large as G.711 can carry (ITU-T G.711 section 5) */
#define MAX_RATE_HZ 48000u
#define UNITY 256
#define RAMP_MS 4u               /* rise and fall of a tone: shorter ones click */
#define TABLE_BITS 11

const void *sr_map_sealed(int fd, size_t bytes)
{
    struct stat status;
    int needed = F_SEAL_SHRINK | F_SEAL_WRITE; /* without them the sender could make us read beyond the end */
    bool good = bytes > 0 && fstat(fd, &status) == 0 && (size_t)status.st_size >= bytes
        && (fcntl(fd, F_GET_SEALS) & needed) == needed;
    void *memory = good ? mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) : MAP_FAILED;
    return memory == MAP_FAILED ? NULL : memory;
}

int sr_prompt_load(sr_prompt *prompt, int fd, uint32_t samples, uint32_t rate_hz)
{
    bool good = rate_hz >= 8000 && rate_hz <= MAX_RATE_HZ;
    const void *memory = good ? sr_map_sealed(fd, (size_t)samples * sizeof(int16_t)) : NULL;
    close(fd);
    if (memory == NULL)
        return -1;
    *prompt = (sr_prompt){.pcm = memory, .samples = samples, .rate_hz = rate_hz};
    return 0;
}

void sr_prompt_unload(sr_prompt *prompt)
{
    prompt->unloading = true;
    if (prompt->pcm != NULL && prompt->readers == 0) {
        munmap((void *)prompt->pcm, (size_t)prompt->samples * sizeof(int16_t));
        prompt->pcm = NULL;
        for (int i = 0; i < SR_MAX_CODECS; i++)
            if (prompt->coded[i].payload != NULL)
                munmap((void *)prompt->coded[i].payload, prompt->coded[i].bytes);
        memset(prompt->coded, 0, sizeof prompt->coded);
    }
}

void sr_player_start_prompt(sr_player *player, sr_prompt *prompt, uint32_t play, bool loop)
{
    *player = (sr_player){.kind = SR_PLAYER_PROMPT, .play = play, .loop = loop, .prompt = prompt, .gain = UNITY};
    prompt->readers++;
}

void sr_player_seek(sr_player *player, int32_t ms, bool relative)
{
    if (player->kind != SR_PLAYER_PROMPT)
        return;
    int64_t at = (int64_t)ms * (player->prompt->rate_hz / 1000) + (relative ? player->position : 0);
    int64_t end = player->prompt->samples;
    player->position = (uint32_t)(at < 0 ? 0 : at > end ? end : at);
}

bool sr_player_start_tone(sr_player *player, const sr_tone_spec *spec)
{
    bool sounds = false;
    if (spec->steps < 1 || spec->steps > SR_TONE_STEPS || !(spec->level_dbm0 <= FULL_SCALE_DBM0 && spec->level_dbm0 > -90))
        return false;
    for (uint32_t i = 0; i < spec->steps; i++) {
        if (!(spec->first_hz[i] >= 0 && spec->first_hz[i] < 24000 && spec->second_hz[i] >= 0 && spec->second_hz[i] < 24000))
            return false;
        sounds = sounds || spec->on_ms[i] + spec->off_ms[i] > 0;
    }
    if (!sounds)
        return false;
    *player = (sr_player){.kind = SR_PLAYER_TONE, .play = spec->play, .gain = UNITY};
    player->tone.spec = *spec;
    player->tone.amplitude = 32767.0f * powf(10.0f, (spec->level_dbm0 - FULL_SCALE_DBM0) / 20.0f);
    return true;
}

void sr_player_stop(sr_player *player)
{
    sr_prompt *prompt = player->kind == SR_PLAYER_PROMPT ? player->prompt : NULL;
    *player = (sr_player){.kind = SR_PLAYER_NONE};
    if (prompt != NULL && --prompt->readers == 0 && prompt->unloading)
        sr_prompt_unload(prompt);
}

static int read_prompt(sr_player *player, int16_t *pcm, int samples)
{
    const sr_prompt *prompt = player->prompt;
    int done = 0;
    while (done < samples) {
        uint32_t left = prompt->samples - player->position, wanted = (uint32_t)(samples - done);
        uint32_t part = left < wanted ? left : wanted;
        memcpy(pcm + done, prompt->pcm + player->position, part * sizeof *pcm);
        done += (int)part;
        player->position += part;
        if (player->position == prompt->samples) {
            if (!player->loop)
                break;
            player->position = 0;
        }
    }
    return done;
}

static float sine_table[(1 << TABLE_BITS) + 1];

/* When the library is loaded: another shard may play a tone while one more is set up. */
__attribute__((constructor)) static void fill_sine_table(void)
{
    for (int i = 0; i <= 1 << TABLE_BITS; i++)
        sine_table[i] = (float)sin(2 * M_PI * i / (1 << TABLE_BITS));
}

/* A turn is 2^32. Between the points a straight line: the error is below -115 dB. */
static float sine(uint32_t phase)
{
    uint32_t index = phase >> (32 - TABLE_BITS);
    float part = (float)(phase << TABLE_BITS >> 8) * 0x1p-24f;
    return sine_table[index] + part * (sine_table[index + 1] - sine_table[index]);
}

/* 0 to 1 over the ramp at both ends of the sounding part, along a raised cosine. */
static float envelope(uint32_t at, uint32_t length, uint32_t ramp)
{
    uint32_t edge = at < length - at ? at : length - at;
    if (edge >= ramp)
        return 1.0f;
    return 0.5f + 0.5f * sine((uint32_t)((uint64_t)edge * (1u << 31) / ramp) - (1u << 30));
}

static int read_tone(sr_cadence *tone, int16_t *pcm, int samples, uint32_t rate_hz)
{
    const sr_tone_spec *spec = &tone->spec;
    uint32_t per_ms = rate_hz / 1000, total = spec->total_ms * per_ms;
    for (int i = 0; i < samples; i++, tone->played++) {
        if (total != 0 && tone->played >= total)
            return i;
        uint32_t on = spec->on_ms[tone->step] * per_ms, off = spec->off_ms[tone->step] * per_ms;
        for (uint32_t tries = 0; tone->at >= on + off && tries < spec->steps; tries++) {
            tone->at = 0;
            tone->step = (tone->step + 1) % spec->steps;
            on = spec->on_ms[tone->step] * per_ms;
            off = spec->off_ms[tone->step] * per_ms;
        }
        float value = 0;
        if (tone->at < on) {
            float hz[2] = {spec->first_hz[tone->step], spec->second_hz[tone->step]};
            for (int k = 0; k < 2; k++) {
                value += hz[k] > 0 ? sine(tone->phase[k]) : 0;
                tone->phase[k] += (uint32_t)(hz[k] * (4294967296.0 / rate_hz));
            }
            /* a tone without pauses has ramps at its two ends only */
            uint32_t at = tone->at, length = on;
            if (off == 0 && spec->steps == 1) {
                at = tone->played;
                length = total != 0 ? total : UINT32_MAX;
            }
            value *= envelope(at, length, RAMP_MS * per_ms) * tone->amplitude;
        }
        tone->at++;
        pcm[i] = (int16_t)lrintf(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    }
    return samples;
}

int sr_player_read(sr_player *player, int16_t *pcm, int samples, uint32_t rate_hz)
{
    int done = 0;
    if (player->paused) {
        memset(pcm, 0, (size_t)samples * sizeof *pcm);
        return samples;
    }
    if (player->kind == SR_PLAYER_PROMPT)
        done = read_prompt(player, pcm, samples);
    else if (player->kind == SR_PLAYER_TONE)
        done = read_tone(&player->tone, pcm, samples, rate_hz);
    for (int i = 0; player->gain != UNITY && i < done; i++) {
        int value = pcm[i] * player->gain / UNITY;
        pcm[i] = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    }
    memset(pcm + done, 0, (size_t)(samples - done) * sizeof *pcm);
    return done;
}
