/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics that Python reads out of shared memory while the plane runs: one page head, then one block for each leg slot.
 *
 * Each block has a sequence lock: odd while it is written. media/stats.py knows the layout.
 */
#ifndef SWITCHROOM_STATS_H
#define SWITCHROOM_STATS_H

#include <stdint.h>

#include "wire.h"

typedef struct sr_leg_stats {
    uint32_t lock, handle;
    uint64_t received_packets, received_bytes;
    uint64_t sent_packets, sent_bytes;
    int64_t lost;                /* packets that never came */
    uint32_t late, duplicate;    /* packets out of order, packets twice */
    uint32_t invalid, stranger;  /* datagrams that were no RTP of ours; packets of other sources */
    uint32_t restarts;           /* the remote changed its SSRC or jumped */
    uint32_t digits;
    uint32_t jitter_us, round_trip_us;
    int32_t remote_lost;         /* as the remote reports it */
    uint32_t remote_jitter_us;
    uint32_t remote_fraction_lost; /* of 256 */
    uint32_t rtcp_received, rtcp_sent;
    uint32_t send_errors;
    uint32_t source_ssrc, own_ssrc;
    uint8_t feed;                /* enum sr_feed: what it hears */
    uint8_t receive_codec, send_codec; /* indexes; 255 for none yet */
    uint8_t flags;               /* enum sr_media_flags */
    uint8_t latched, confirmed, remote_bye, timed_out;
    int64_t silent_ms;           /* since the last packet; -1: none yet */
    sr_wire_address source;      /* where RTP comes from and goes to */
    uint32_t unauthentic, replayed; /* SRTP: wrong keys; packets that came before */
    uint8_t suite;               /* enum sr_suite */
    uint8_t spare[3];
    uint32_t heard_ms, silence_ms, silence_now_ms, clipped; /* of the remote: what was listened to, and its silence */
    float speech_dbm0, noise_dbm0;
    uint32_t loss_gaps;          /* how often packets were missing, however many at a time */
    uint32_t concealed_ms, played_ms, discarded, delay_ms; /* of the jitter buffer, where there is one */
    uint32_t xr_count;           /* reports by RFC 3611 with the metrics that follow */
    uint32_t xr_loss, xr_discard; /* of 256 */
    int32_t xr_signal_dbm0, xr_noise_dbm0;
    uint32_t xr_r, xr_mos_lq, xr_mos_cq; /* R; MOS times 10; 127: not known to the remote */
    uint32_t xr_delay_ms, xr_end_delay_ms, xr_lost;
    uint8_t room[512 - 248];
} sr_leg_stats;

/* How late slots were: counts by quarters of an octave, the first for less than 16 us, the last for 49 ms and more. */
#define SR_LATE_STEPS 48

typedef struct sr_plane_stats {
    uint32_t lock, version;
    uint64_t slots, skipped_slots, late_slots; /* of 5 ms; late by more than 2 ms */
    int64_t max_late_ns;
    uint64_t received_packets, sent_packets;
    uint32_t open_legs, max_legs, free_ports, facts_lost;
    uint64_t late_steps[SR_LATE_STEPS];
    uint8_t room[512 - 72 - 8 * SR_LATE_STEPS];
} sr_plane_stats;

_Static_assert(sizeof(sr_leg_stats) == 512 && sizeof(sr_plane_stats) == 512, "media/stats.py counts on these sizes");

/* What is written after it stays after it. */
static inline void sr_stats_begin(uint32_t *lock)
{
    __atomic_fetch_add(lock, 1, __ATOMIC_ACQUIRE);
}

static inline void sr_stats_end(uint32_t *lock)
{
    __atomic_fetch_add(lock, 1, __ATOMIC_RELEASE);
}

#endif
