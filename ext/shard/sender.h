/* SPDX-License-Identifier: Apache-2.0
 *
 * The RTP stream that a leg sends: one SSRC, sequence and timestamps without a break, wherever the content comes from.
 */
#ifndef SWITCHROOM_SENDER_H
#define SWITCHROOM_SENDER_H

#include "rtp.h"

typedef struct sr_sender {
    uint32_t ssrc;
    uint16_t sequence;           /* of the newest packet */
    uint32_t timestamp;          /* of the newest packet */
    uint32_t next_timestamp;     /* of the next generated packet */
    int64_t sent_ns;
    uint32_t packets, octets;
    uint32_t feed, feed_ssrc;    /* whose packets go out; 0: generated ones */
    uint16_t sequence_offset;    /* from the feed's to ours */
    uint32_t timestamp_offset;
    bool continuous;             /* false: the next packet begins something new */
} sr_sender;

void sr_sender_init(sr_sender *sender, uint64_t *random);

/* The next packet begins something new, at the time that has really passed. */
void sr_sender_break(sr_sender *sender);

/* Turns a received packet into one of ours. `feed` tells sources apart, `restarted` that its numbers jumped. */
void sr_sender_relay(sr_sender *sender, sr_rtp *packet, uint32_t feed, bool restarted, uint32_t clock_rate_hz,
                     int64_t now_ns);

/* A packet of the relayed stream that is kept back: the next one closes up. */
void sr_sender_skip(sr_sender *sender);

/* Numbers a packet that stands for `units` of the RTP clock. */
void sr_sender_generate(sr_sender *sender, sr_rtp *packet, uint32_t units, uint32_t clock_rate_hz, int64_t now_ns);

/* Time passes in a generated stream without a packet (DTX, or a telephone event goes out instead). */
void sr_sender_pass(sr_sender *sender, uint32_t units);

/* The RTP clock's reading now, for sender reports. */
uint32_t sr_sender_clock(const sr_sender *sender, uint32_t clock_rate_hz, int64_t now_ns);

#endif
