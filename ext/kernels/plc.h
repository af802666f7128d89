/* SPDX-License-Identifier: Apache-2.0
 *
 * Concealment of lost audio with the effect of ITU-T G.711 Appendix I: the last pitch period is repeated, after 10 ms the
 * last two, after 20 ms the last three; from 10 ms on it fades by 20 % in 10 ms, and after 60 ms there is silence. The
 * audio that comes back is faded in over what was repeated. Unlike the Appendix it adds no delay: the step at the start
 * is not faded over the past, but spread over the quarter period that follows.
 */
#ifndef SWITCHROOM_PLC_H
#define SWITCHROOM_PLC_H

#include <stdint.h>

#define SR_PLC_RATE_MAX 48000
#define SR_PLC_HISTORY (SR_PLC_RATE_MAX * 4875 / 100000) /* three of the longest periods and a quarter: 48.75 ms */

typedef struct sr_plc {
    uint32_t rate_hz;
    int history;  /* samples kept at this rate */
    int lost;     /* samples concealed since the last good one, at most 60 ms */
    int period;
    int periods;  /* repeated at present: 1 to 3 */
    int position; /* of the next sample in them */
    int16_t step; /* between the last good sample and the first repeated one */
    int16_t past[SR_PLC_HISTORY];
} sr_plc;

/* For a stream of 8000 to 48000 Hz. */
void sr_plc_init(sr_plc *p, uint32_t rate_hz);

/* Audio has come: it is remembered; its start is faded in, in place, if there was a loss before it. */
void sr_plc_good(sr_plc *p, int16_t *pcm, int samples);

/* Audio is missing: fill `pcm`, any number of samples. */
void sr_plc_lost(sr_plc *p, int16_t *pcm, int samples);

#endif
