/* SPDX-License-Identifier: Apache-2.0
 *
 * RTP packets (RFC 3550 section 5) and what a receiver learns from their order and arrival (appendix A.1, A.3, A.8).
 */
#ifndef SWITCHROOM_RTP_H
#define SWITCHROOM_RTP_H

#include <stdbool.h>
#include <stdint.h>

#define SR_RTP_HEADER_BYTES 12

typedef struct sr_rtp {
    uint8_t *payload;            /* inside the datagram, at least SR_RTP_HEADER_BYTES from its start */
    int payload_bytes;
    uint32_t timestamp, ssrc;
    uint16_t sequence;
    uint8_t payload_type;
    bool marker;
} sr_rtp;

/* Reads a datagram in place. Returns false when it is no RTP packet: wrong version, or lengths that do not add up. */
bool sr_rtp_parse(sr_rtp *packet, uint8_t *data, int bytes);

/* Writes the header right before packet->payload; returns where the packet then starts. */
uint8_t *sr_rtp_write_header(const sr_rtp *packet);

/* Whether a datagram on a port shared by both is RTCP (RFC 5761 section 4). */
static inline bool sr_is_rtcp(const uint8_t *data, int bytes)
{
    return bytes >= 8 && data[1] >= 192 && data[1] <= 223;
}

enum sr_arrival {
    SR_IN_ORDER,                 /* the next one, or later with packets missing between */
    SR_LATE,                     /* older than the newest, not seen before */
    SR_DUPLICATE,
    SR_RESTARTED,                /* the sender began again elsewhere */
    SR_IMPLAUSIBLE,              /* a jump that nothing has confirmed yet: not to be used */
};

typedef struct sr_rtp_receiver {
    uint32_t ssrc;
    bool started;
    uint16_t max_sequence;
    uint32_t cycles, base_sequence, bad_sequence;
    uint64_t seen;               /* bit n: max_sequence - n has arrived */
    uint32_t received, expected_before, received_before;
    uint32_t gaps;               /* in the sequence, of any size */
    uint32_t transit, jitter_x16;
    uint32_t newest_timestamp;
} sr_rtp_receiver;

void sr_rtp_receiver_start(sr_rtp_receiver *receiver, const sr_rtp *packet);
enum sr_arrival sr_rtp_receiver_update(sr_rtp_receiver *receiver, const sr_rtp *packet);
/* `arrival` is the time of arrival in units of the RTP clock. */
void sr_rtp_receiver_jitter(sr_rtp_receiver *receiver, const sr_rtp *packet, uint32_t arrival);

static inline uint32_t sr_rtp_highest(const sr_rtp_receiver *receiver)
{
    return receiver->cycles + receiver->max_sequence;
}

/* Packets missing so far; negative when duplicates outnumber them. */
static inline int32_t sr_rtp_lost(const sr_rtp_receiver *receiver)
{
    if (!receiver->started)
        return 0;
    return (int32_t)(sr_rtp_highest(receiver) - receiver->base_sequence + 1 - receiver->received);
}

/* Whether `packet` can go on with the stream `silent_ns` after its last packet: who must guess has no hope of passing. */
bool sr_rtp_continues(const sr_rtp_receiver *receiver, const sr_rtp *packet, uint32_t clock_rate_hz, int64_t silent_ns);

#endif
