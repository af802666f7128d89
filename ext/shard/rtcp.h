/* SPDX-License-Identifier: Apache-2.0
 *
 * RTCP of one leg (RFC 3550 section 6): reports sent and read. Both are compound packets; SDES carries the CNAME.
 */
#ifndef SWITCHROOM_RTCP_H
#define SWITCHROOM_RTCP_H

#include "rtp.h"
#include "stats.h"
#include "xr.h"

#define SR_RTCP_MAX_BYTES (128 + SR_XR_MAX_BYTES) /* of what we send: SR with one block, SDES, XR, BYE */
#define SR_CNAME_BYTES 16

/* What a sender report of ours says about our stream. */
typedef struct sr_sent {
    uint32_t ssrc, packets, octets;
    uint32_t timestamp;          /* of the RTP clock at the time of the report */
} sr_sent;

typedef struct sr_rtcp {
    /* about us, from the remote's report blocks */
    uint32_t remote_jitter;      /* in units of the clock we send with */
    int32_t remote_lost;
    uint8_t remote_fraction_lost; /* of 256 */
    bool remote_reported;
    int64_t round_trip_ns;       /* 0 until known */
    /* about the remote, from its sender reports */
    uint32_t last_report;        /* middle 32 bits of its NTP time */
    int64_t last_report_ns;
    uint32_t received, sent;
    bool bye;
    sr_xr xr;
} sr_rtcp;

/* The current wall-clock time in NTP format: 32 bits of seconds since 1900, 32 of fraction. */
uint64_t sr_ntp_time(int64_t wall_ns);

/* Writes SR (RR when `sent` is NULL) + SDES (+ XR, with `xr`) (+ BYE) and returns its bytes. `own_ssrc` is ours. */
int sr_rtcp_write(sr_rtcp *rtcp, uint8_t *data, const sr_sent *sent, uint32_t own_ssrc, sr_rtp_receiver *receiver,
                  const char cname[SR_CNAME_BYTES + 1], const sr_xr_local *xr, int64_t now_ns, int64_t wall_ns, bool bye);

/* Reads a compound packet. Returns false, with nothing changed, when it is none (appendix A.2). */
bool sr_rtcp_read(sr_rtcp *rtcp, const uint8_t *data, int bytes, uint32_t own_ssrc, const sr_rtp_receiver *receiver,
                  int64_t now_ns, int64_t wall_ns);

/* Time to the next report: 5 s on average, spread so that reports do not fall in step (section 6.3.1, appendix A.7). */
int64_t sr_rtcp_interval_ns(uint64_t *random, bool first);

/* What the remote told by RFC 3611. */
void sr_rtcp_publish(const sr_rtcp *rtcp, sr_leg_stats *now);

#endif
