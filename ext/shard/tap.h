/* SPDX-License-Identifier: Apache-2.0
 *
 * A second pair of ears on a leg, for recordings and digits in the audio: what its remote says, and what it is sent.
 *
 *     received packets -> playout \
 *                                  -> every 20 ms one frame of both -> digits, recording -> ring -> writer thread -> file
 *     sent packets ----> playout /
 *
 * Nothing of the leg's own path changes, so a relayed call stays relayed. A tap begins when it is first needed.
 */
#ifndef SWITCHROOM_TAP_H
#define SWITCHROOM_TAP_H

#include "kernels/dtmf.h"
#include "kernels/playout.h"
#include "kernels/resample.h"
#include "kernels/segment.h"
#include "rtp.h"

#define SR_TAP_MS 20
#define SR_TAP_RING_BYTES (1u << 20) /* for what is kept ahead: 30 s of 8 kHz stereo */
#define SR_TAP_DISK_BYTES (1u << 18) /* of it without that: 8 s of 8 kHz stereo, so long the disk may stand still */
#define SR_TAP_MAX_RATE_HZ 16000

enum sr_recording_state {
    SR_RECORDING_NONE = 0,       /* the plane's */
    SR_RECORDING_RUNS,           /* the writer drains it */
    SR_RECORDING_ENDS,           /* the writer drains it a last time and closes the file */
    SR_RECORDING_DONE,           /* the plane's again: to be told */
    SR_RECORDING_AHEAD,          /* the plane's: the ring keeps the newest, in case that a recording begins */
};

/* One direction: packets in, a frame of PCM each 20 ms out. */
typedef struct sr_tap_side {
    uint8_t codec;               /* SR_TYPE_UNKNOWN before the first packet */
    void *decoder;
    sr_playout playout;
    sr_resample resample;
    uint32_t from_hz;            /* for which `resample` is set up */
} sr_tap_side;

typedef struct sr_tap {
    uint8_t use;                 /* of the leg's, 0 when it is not listened to */
    uint8_t detect;              /* enum sr_detect */
    bool paused;
    uint32_t rate_hz;
    sr_tap_side said, heard;
    sr_dtmf dtmf;
    sr_dtmf gate;                /* in what is heard of the leg, where digits are kept from it */
    uint32_t gate_hz;
    sr_dtmf hush;                /* in what the leg hears, where digits are kept out of its recording */
    uint32_t hush_hz;
    _Atomic int state;           /* enum sr_recording_state */
    uint32_t number, channels;   /* by which Python knows the recording; 2: said left, heard right; 1: both mixed */
    uint32_t leg;                /* handle of the leg that was recorded, which may be gone when the file is whole */
    uint64_t frames;
    uint32_t ahead_bytes;        /* what the ring keeps in SR_RECORDING_AHEAD */
    int ear_fd;                  /* 0: nobody listens (a descriptor that came over the wire is never 0) */
    sr_recording recording;
    uint8_t ring[SR_TAP_RING_BYTES];
    uint8_t segment[SR_SEGMENT_BYTES(SR_TAP_MAX_RATE_HZ, 2)];
} sr_tap;

#endif
