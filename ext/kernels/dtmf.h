/* SPDX-License-Identifier: Apache-2.0
 *
 * DTMF in the audio band (ITU-T Q.23, Q.24): a detector and, for these and any other tones, a generator.
 *
 *     PCM -> [halve 16 kHz] -> no DC, no dial tone -> every 5 ms a Hann window of 25 ms -> the 8 tones in it
 *         -> is it one low and one high tone, each on its frequency, and next to nothing else? -> 4 such windows: a digit
 *
 * The frequency of a tone comes from the ratio of two transforms, one with the window and one with its derivative: exact
 * for a pure tone, so 1.5 % is told from 3.5 % within 25 ms.
 */
#ifndef SWITCHROOM_DTMF_H
#define SWITCHROOM_DTMF_H

#include <stdint.h>

#define SR_DTMF_WINDOW 200 /* samples at 8 kHz */
#define SR_DTMF_HOP 40
#define SR_DTMF_HALVER 23  /* taps of the filter that halves 16 kHz */
#define SR_DTMF_FULL_SCALE_DBM0 3.14f /* of a sine (ITU-T G.711) */

enum sr_dtmf_kind { SR_DTMF_BEGIN = 0, SR_DTMF_END = 1 };

typedef struct sr_dtmf_event {
    uint8_t kind;          /* BEGIN as soon as it is sure, END with the whole duration */
    char digit;            /* 0-9 * # A-D */
    int64_t start;         /* in samples of the input since init, to about 3 ms */
    uint32_t duration;     /* in samples of the input; of BEGIN: until now */
    float low_dbm0;        /* mean level of the tones */
    float high_dbm0;
    float twist_db;        /* high over low */
    float low_offset;      /* mean relative deviation from the nominal frequency: 0.01 is 1 % */
    float high_offset;
} sr_dtmf_event;

typedef struct sr_dtmf {
    uint32_t rate_hz;
    int64_t hops;                      /* windows judged */
    int filled;                        /* new samples in the window, 0 to HOP - 1 */
    float dc_in, dc_out;
    float notch[2][2];
    float window[SR_DTMF_WINDOW + SR_DTMF_HOP];
    float halver[2 * SR_DTMF_HALVER];  /* the past twice, so that the filter never wraps */
    int halver_at;
    uint8_t halver_odd;
    uint8_t suspect;                   /* the last window held a digit: mute from here if digits must not pass */
    int8_t digit;                      /* now on: 0 to 15, -1 for none */
    int8_t candidate;
    uint8_t hits, misses;
    uint8_t gap;                       /* windows without the digit that is on */
    int64_t first, last;               /* hop of the first and the last window that held it */
    int64_t candidate_first;
    uint32_t count;                    /* windows summed into the means */
    float sum[4];
    float candidate_sum[4];
} sr_dtmf;

/* For PCM of 8000 or 16000 Hz. */
void sr_dtmf_init(sr_dtmf *d, uint32_t rate_hz);

/* As many events as `samples` can bring forth. */
#define SR_DTMF_EVENTS(samples) (2 * ((samples) / 160 + 1))

/* Listen; returns the number of events written, at most `capacity` (SR_DTMF_EVENTS(samples) is always enough). */
int sr_dtmf_feed(sr_dtmf *d, const int16_t *pcm, int samples, sr_dtmf_event *events, int capacity);

/* The two frequencies of a digit ("0-9*#A-D", "a-d"); -1 for another character. */
int sr_dtmf_frequencies(char digit, float *low_hz, float *high_hz);

/* A tone of up to two frequencies with ramps at both ends. */
typedef struct sr_tone {
    double re[2], im[2];     /* of each oscillator */
    double step_re[2], step_im[2];
    float amplitude[2];
    int64_t at, duration;    /* samples; duration < 0: for ever */
    int ramp;
} sr_tone;

/* Levels in dBm0 of each tone; a frequency of 0 leaves it out. `ramp`: samples of raised-cosine rise and fall. */
void sr_tone_start(sr_tone *t, uint32_t rate_hz, float first_hz, float first_dbm0, float second_hz, float second_dbm0,
                   int64_t duration, int ramp);

/* Write up to `samples`; returns how many were left of the tone, the rest is silence. */
int sr_tone_generate(sr_tone *t, int16_t *pcm, int samples);

#endif
