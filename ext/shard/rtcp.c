/* SPDX-License-Identifier: Apache-2.0 */
#include "rtcp.h"

#include <string.h>

#include "bytes.h"
#include "random.h"

#define TYPE_SR 200
#define TYPE_RR 201
#define TYPE_SDES 202
#define TYPE_BYE 203
#define TYPE_XR 207
#define SDES_CNAME 1
#define UNIX_TO_NTP 2208988800u
#define NS_PER_S 1000000000LL
#define INTERVAL_NS (5 * NS_PER_S)
#define BLOCK_BYTES 24

uint64_t sr_ntp_time(int64_t wall_ns)
{
    uint64_t seconds = (uint64_t)(wall_ns / NS_PER_S) + UNIX_TO_NTP;
    uint64_t fraction = ((uint64_t)(wall_ns % NS_PER_S) << 32) / NS_PER_S;
    return seconds << 32 | fraction;
}

static uint32_t middle(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}

static void write_header(uint8_t *data, int count, int type, int bytes)
{
    data[0] = (uint8_t)(2 << 6 | count);
    data[1] = (uint8_t)type;
    sr_write16(data + 2, (uint16_t)(bytes / 4 - 1));
}

static void write_block(const sr_rtcp *rtcp, uint8_t *data, sr_rtp_receiver *receiver, int64_t now_ns)
{
    uint32_t expected = sr_rtp_highest(receiver) - receiver->base_sequence + 1;
    int32_t expected_now = (int32_t)(expected - receiver->expected_before);
    int32_t lost_now = expected_now - (int32_t)(receiver->received - receiver->received_before);
    receiver->expected_before = expected;
    receiver->received_before = receiver->received;
    uint32_t fraction = expected_now <= 0 || lost_now <= 0 ? 0 : ((uint32_t)lost_now << 8) / (uint32_t)expected_now;
    int32_t lost = sr_rtp_lost(receiver);
    if (lost > 0x7fffff)
        lost = 0x7fffff;
    else if (lost < -0x800000)
        lost = -0x800000;
    int64_t delay = rtcp->last_report == 0 ? 0 : (now_ns - rtcp->last_report_ns) * 65536 / NS_PER_S;
    sr_write32(data, receiver->ssrc);
    sr_write32(data + 4, (fraction > 255 ? 255u : fraction) << 24 | ((uint32_t)lost & 0xffffff));
    sr_write32(data + 8, sr_rtp_highest(receiver));
    sr_write32(data + 12, receiver->jitter_x16 >> 4);
    sr_write32(data + 16, rtcp->last_report);
    sr_write32(data + 20, (uint32_t)delay);
}

int sr_rtcp_write(sr_rtcp *rtcp, uint8_t *data, const sr_sent *sent, uint32_t own_ssrc, sr_rtp_receiver *receiver,
                  const char cname[SR_CNAME_BYTES + 1], const sr_xr_local *xr, int64_t now_ns, int64_t wall_ns, bool bye)
{
    int blocks = receiver->started;
    int bytes = 8;
    sr_write32(data + 4, own_ssrc);
    if (sent != NULL) {
        uint64_t ntp = sr_ntp_time(wall_ns);
        sr_write32(data + 8, (uint32_t)(ntp >> 32));
        sr_write32(data + 12, (uint32_t)ntp);
        sr_write32(data + 16, sent->timestamp);
        sr_write32(data + 20, sent->packets);
        sr_write32(data + 24, sent->octets);
        bytes = 28;
    }
    if (blocks) {
        write_block(rtcp, data + bytes, receiver, now_ns);
        bytes += BLOCK_BYTES;
    }
    write_header(data, blocks, sent != NULL ? TYPE_SR : TYPE_RR, bytes);

    uint8_t *sdes = data + bytes;
    int sdes_bytes = (8 + 2 + SR_CNAME_BYTES + 1 + 3) & ~3; /* at least one zero ends the list of items */
    memset(sdes, 0, (size_t)sdes_bytes);
    write_header(sdes, 1, TYPE_SDES, sdes_bytes);
    sr_write32(sdes + 4, own_ssrc);
    sdes[8] = SDES_CNAME;
    sdes[9] = SR_CNAME_BYTES;
    memcpy(sdes + 10, cname, SR_CNAME_BYTES);
    bytes += sdes_bytes;

    if (xr != NULL)
        bytes += sr_xr_write(&rtcp->xr, data + bytes, own_ssrc, xr, sr_ntp_time(wall_ns), now_ns);
    if (bye) {
        write_header(data + bytes, 1, TYPE_BYE, 8);
        sr_write32(data + bytes + 4, own_ssrc);
        bytes += 8;
    }
    rtcp->sent++;
    return bytes;
}

static bool is_compound(const uint8_t *data, int bytes)
{
    if (bytes < 8 || data[0] >> 6 != 2 || (data[0] & 0x20) || (data[1] != TYPE_SR && data[1] != TYPE_RR))
        return false;
    int at = 0;
    while (at + 4 <= bytes) {
        if (data[at] >> 6 != 2)
            return false;
        at += 4 * (sr_read16(data + at + 2) + 1);
    }
    return at == bytes;
}

static void read_blocks(sr_rtcp *rtcp, const uint8_t *data, const uint8_t *end, int count, uint32_t own_ssrc,
                        int64_t wall_ns)
{
    for (int i = 0; i < count && data + BLOCK_BYTES <= end; i++, data += BLOCK_BYTES) {
        if (sr_read32(data) != own_ssrc)
            continue;
        uint32_t loss = sr_read32(data + 4), last = sr_read32(data + 16), delay = sr_read32(data + 20);
        rtcp->remote_reported = true;
        rtcp->remote_fraction_lost = (uint8_t)(loss >> 24);
        rtcp->remote_lost = (int32_t)(loss << 8) >> 8;
        rtcp->remote_jitter = sr_read32(data + 12);
        if (last != 0) { /* section 6.4.1: A - LSR - DLSR */
            int32_t trip = (int32_t)(middle(sr_ntp_time(wall_ns)) - last - delay);
            if (trip >= 0 && trip < 60 * 65536) /* clocks that were set in between give nonsense */
                rtcp->round_trip_ns = (int64_t)trip * NS_PER_S / 65536;
        }
    }
}

bool sr_rtcp_read(sr_rtcp *rtcp, const uint8_t *data, int bytes, uint32_t own_ssrc, const sr_rtp_receiver *receiver,
                  int64_t now_ns, int64_t wall_ns)
{
    if (!is_compound(data, bytes))
        return false;
    rtcp->received++;
    for (int at = 0; at < bytes; at += 4 * (sr_read16(data + at + 2) + 1)) {
        const uint8_t *part = data + at, *end = part + 4 * (sr_read16(part + 2) + 1);
        int count = part[0] & 31;
        uint32_t sender = end - part >= 8 ? sr_read32(part + 4) : 0;
        bool about_source = receiver->started && sender == receiver->ssrc;
        if (part[1] == TYPE_SR && end - part >= 28) {
            if (about_source) {
                rtcp->last_report = sr_read32(part + 8) << 16 | sr_read32(part + 12) >> 16;
                rtcp->last_report_ns = now_ns;
            }
            read_blocks(rtcp, part + 28, end, count, own_ssrc, wall_ns);
        } else if (part[1] == TYPE_RR && end - part >= 8) {
            read_blocks(rtcp, part + 8, end, count, own_ssrc, wall_ns);
        } else if (part[1] == TYPE_BYE && count > 0 && about_source) {
            rtcp->bye = true;
        } else if (part[1] == TYPE_XR && about_source) {
            uint32_t trip = sr_xr_read(&rtcp->xr, part, end, own_ssrc, sr_ntp_time(wall_ns), now_ns);
            if (trip != 0)
                rtcp->round_trip_ns = (int64_t)trip * NS_PER_S / 65536;
        }
    }
    return true;
}

int64_t sr_rtcp_interval_ns(uint64_t *random, bool first)
{
    double spread = 0.5 + (double)(sr_random(random) >> 11) / (double)(1ull << 53);
    double interval = (double)(first ? INTERVAL_NS / 2 : INTERVAL_NS) * spread;
    return (int64_t)(interval / (2.718281828459045 - 1.5)); /* compensates for the reconsideration of others */
}

void sr_rtcp_publish(const sr_rtcp *rtcp, sr_leg_stats *now)
{
    const sr_xr *xr = &rtcp->xr;
    now->xr_count = xr->count;
    now->xr_loss = xr->loss;
    now->xr_discard = xr->discard;
    now->xr_signal_dbm0 = xr->signal_dbm0;
    now->xr_noise_dbm0 = xr->noise_dbm0;
    now->xr_r = xr->r;
    now->xr_mos_lq = xr->mos_lq;
    now->xr_mos_cq = xr->mos_cq;
    now->xr_delay_ms = xr->delay_ms;
    now->xr_end_delay_ms = xr->end_delay_ms;
    now->xr_lost = xr->lost;
}
