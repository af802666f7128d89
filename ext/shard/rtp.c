/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp.h"

#include <string.h>

#include "bytes.h"

#define MAX_DROPOUT 3000u        /* RFC 3550 appendix A.1 */
#define MAX_MISORDER 100u
#define SEQUENCES 65536u

bool sr_rtp_parse(sr_rtp *packet, uint8_t *data, int bytes)
{
    if (bytes < SR_RTP_HEADER_BYTES || data[0] >> 6 != 2)
        return false;
    int header = SR_RTP_HEADER_BYTES + 4 * (data[0] & 15);
    if (data[0] & 0x10) {
        if (bytes < header + 4)
            return false;
        header += 4 + 4 * sr_read16(data + header + 2);
    }
    int padding = 0;
    if (data[0] & 0x20) {
        padding = data[bytes - 1];
        if (padding == 0)
            return false;
    }
    if (header + padding > bytes)
        return false;
    packet->payload = data + header;
    packet->payload_bytes = bytes - header - padding;
    packet->payload_type = data[1] & 0x7f;
    packet->marker = data[1] >> 7;
    packet->sequence = sr_read16(data + 2);
    packet->timestamp = sr_read32(data + 4);
    packet->ssrc = sr_read32(data + 8);
    return true;
}

uint8_t *sr_rtp_write_header(const sr_rtp *packet)
{
    uint8_t *data = packet->payload - SR_RTP_HEADER_BYTES;
    data[0] = 2 << 6;
    data[1] = (uint8_t)(packet->marker << 7 | packet->payload_type);
    sr_write16(data + 2, packet->sequence);
    sr_write32(data + 4, packet->timestamp);
    sr_write32(data + 8, packet->ssrc);
    return data;
}

static void restart_sequence(sr_rtp_receiver *receiver, uint16_t sequence)
{
    receiver->base_sequence = receiver->max_sequence = sequence;
    receiver->bad_sequence = SEQUENCES + 1; /* so that no sequence number equals it */
    receiver->cycles = 0;
    receiver->seen = 1;
    receiver->received = 1;
    receiver->expected_before = receiver->received_before = 0;
}

void sr_rtp_receiver_start(sr_rtp_receiver *receiver, const sr_rtp *packet)
{
    memset(receiver, 0, sizeof *receiver);
    receiver->ssrc = packet->ssrc;
    receiver->started = true;
    receiver->newest_timestamp = packet->timestamp;
    restart_sequence(receiver, packet->sequence);
}

enum sr_arrival sr_rtp_receiver_update(sr_rtp_receiver *receiver, const sr_rtp *packet)
{
    uint16_t ahead = (uint16_t)(packet->sequence - receiver->max_sequence);
    if (ahead == 0) {
        receiver->received++;
        return SR_DUPLICATE;
    }
    if (ahead < MAX_DROPOUT) {
        if (packet->sequence < receiver->max_sequence)
            receiver->cycles += SEQUENCES;
        receiver->gaps += ahead > 1;
        receiver->max_sequence = packet->sequence;
        receiver->seen = ahead < 64 ? receiver->seen << ahead | 1 : 1;
        receiver->received++;
        receiver->newest_timestamp = packet->timestamp;
        return SR_IN_ORDER;
    }
    if (ahead <= SEQUENCES - MAX_MISORDER) {
        if (packet->sequence == receiver->bad_sequence) { /* two in a row: the sender did begin again */
            restart_sequence(receiver, packet->sequence);
            receiver->newest_timestamp = packet->timestamp;
            return SR_RESTARTED;
        }
        receiver->bad_sequence = (packet->sequence + 1u) & (SEQUENCES - 1);
        return SR_IMPLAUSIBLE;
    }
    receiver->received++;
    unsigned behind = SEQUENCES - ahead;
    if (behind < 64) {
        uint64_t bit = (uint64_t)1 << behind;
        if (receiver->seen & bit)
            return SR_DUPLICATE;
        receiver->seen |= bit;
    }
    return SR_LATE;
}

void sr_rtp_receiver_jitter(sr_rtp_receiver *receiver, const sr_rtp *packet, uint32_t arrival)
{
    uint32_t transit = arrival - packet->timestamp;
    int32_t change = (int32_t)(transit - receiver->transit);
    bool first = receiver->transit == 0;
    receiver->transit = transit;
    if (first || change == INT32_MIN)
        return;
    uint32_t size = (uint32_t)(change < 0 ? -change : change);
    if (size < 1u << 24) /* more is no jitter but a new origin of the timestamps */
        receiver->jitter_x16 += size - ((receiver->jitter_x16 + 8) >> 4);
}

bool sr_rtp_continues(const sr_rtp_receiver *receiver, const sr_rtp *packet, uint32_t clock_rate_hz, int64_t silent_ns)
{
    if (!receiver->started || packet->ssrc != receiver->ssrc)
        return false;
    uint16_t ahead = (uint16_t)(packet->sequence - receiver->max_sequence);
    int64_t later = (int32_t)(packet->timestamp - receiver->newest_timestamp);
    int64_t latest = (silent_ns / 1000000000 + 10) * clock_rate_hz; /* a phone may stop its clock on hold, or not */
    return ahead > 0 && ahead < 500 && later >= 0 && later <= latest;
}
