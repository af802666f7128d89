/* SPDX-License-Identifier: Apache-2.0 */
#include "xr.h"

#include <string.h>

#include "bytes.h"

#define TYPE_XR 207
#define BLOCK_RRTR 4
#define BLOCK_DLRR 5
#define BLOCK_SUMMARY 6
#define BLOCK_VOIP 7
#define GMIN 16                  /* section 4.7.2 */
#define NS_PER_S 1000000000LL

static uint8_t *begin_block(uint8_t *data, uint8_t type, uint8_t specific, int words)
{
    memset(data, 0, (size_t)words * 4 + 4);
    data[0] = type;
    data[1] = specific;
    sr_write16(data + 2, (uint16_t)words);
    return data + 4;
}

/* Losses are not sorted into bursts and gaps: all of them are told as those of one long gap. */
static int write_metrics(uint8_t *data, const sr_xr_local *local)
{
    uint8_t *body = begin_block(data, BLOCK_VOIP, 0, 8);
    sr_write32(body, local->ssrc);
    body[4] = local->loss;
    body[5] = local->discard;
    body[7] = local->loss;
    sr_write16(body + 10, local->duration_ms > UINT16_MAX ? UINT16_MAX : (uint16_t)local->duration_ms);
    sr_write16(body + 12, local->delay_ms);
    sr_write16(body + 14, local->end_delay_ms);
    body[16] = (uint8_t)local->signal_dbm0;
    body[17] = (uint8_t)local->noise_dbm0;
    memset(body + 18, SR_XR_UNKNOWN, 6); /* echo, R and MOS are the receiver's to work out */
    body[19] = GMIN;
    body[24] = 0x30 | 0x08;      /* enhanced concealment; adaptive buffer */
    sr_write16(body + 26, local->buffer_ms);
    sr_write16(body + 28, local->buffer_max_ms);
    sr_write16(body + 30, local->buffer_max_ms);
    return 36;
}

int sr_xr_write(const sr_xr *xr, uint8_t *data, uint32_t own_ssrc, const sr_xr_local *local, uint64_t ntp, int64_t now_ns)
{
    int bytes = 8;
    uint8_t *body = begin_block(data + bytes, BLOCK_RRTR, 0, 2);
    sr_write32(body, (uint32_t)(ntp >> 32));
    sr_write32(body + 4, (uint32_t)ntp);
    bytes += 12;
    if (xr->reference != 0 && local->ssrc != 0) {
        body = begin_block(data + bytes, BLOCK_DLRR, 0, 3);
        sr_write32(body, local->ssrc);
        sr_write32(body + 4, xr->reference);
        sr_write32(body + 8, (uint32_t)((now_ns - xr->reference_ns) * 65536 / NS_PER_S));
        bytes += 16;
    }
    if (local->ssrc != 0)
        bytes += write_metrics(data + bytes, local);
    data[0] = 2 << 6;
    data[1] = TYPE_XR;
    sr_write16(data + 2, (uint16_t)(bytes / 4 - 1));
    sr_write32(data + 4, own_ssrc);
    return bytes;
}

static void read_metrics(sr_xr *xr, const uint8_t *body)
{
    xr->count++;
    xr->loss = body[4];
    xr->discard = body[5];
    xr->delay_ms = sr_read16(body + 12);
    xr->end_delay_ms = sr_read16(body + 14);
    xr->signal_dbm0 = (int8_t)body[16];
    xr->noise_dbm0 = (int8_t)body[17];
    xr->r = body[20];
    xr->mos_lq = body[22];
    xr->mos_cq = body[23];
}

/* Section 4.5: the time since our reference time, less what it lay with the remote. */
static uint32_t read_round_trip(const uint8_t *body, const uint8_t *end, uint32_t own_ssrc, uint64_t ntp)
{
    for (; body + 12 <= end; body += 12) {
        uint32_t last = sr_read32(body + 4);
        int32_t trip = (int32_t)((uint32_t)(ntp >> 16) - last - sr_read32(body + 8));
        if (sr_read32(body) == own_ssrc && last != 0 && trip >= 0 && trip < 60 * 65536)
            return trip ? (uint32_t)trip : 1;
    }
    return 0;
}

uint32_t sr_xr_read(sr_xr *xr, const uint8_t *data, const uint8_t *end, uint32_t own_ssrc, uint64_t ntp, int64_t now_ns)
{
    uint32_t trip = 0;
    for (const uint8_t *block = data + 8; block + 4 <= end;) {
        const uint8_t *body = block + 4, *next = body + 4 * sr_read16(block + 2);
        if (next > end)
            return trip;
        bool about_us = next - body >= 4 && sr_read32(body) == own_ssrc;
        if (block[0] == BLOCK_RRTR && next - body >= 8) {
            xr->reference = sr_read32(body) << 16 | sr_read32(body + 4) >> 16;
            xr->reference_ns = now_ns;
        } else if (block[0] == BLOCK_DLRR) {
            trip = read_round_trip(body, next, own_ssrc, ntp);
        } else if (block[0] == BLOCK_SUMMARY && about_us && next - body >= 16 && (block[1] & 0x80)) {
            xr->lost = sr_read32(body + 8);
        } else if (block[0] == BLOCK_VOIP && about_us && next - body >= 32) {
            read_metrics(xr, body);
        }
        block = next;
    }
    return trip;
}
