/* SPDX-License-Identifier: Apache-2.0
 *
 * RTCP extended reports (RFC 3611): VoIP metrics, loss summary, and the round trip of a receiver. Read whenever they come,
 * sent where both sides agreed on it in the SDP.
 */
#ifndef SWITCHROOM_XR_H
#define SWITCHROOM_XR_H

#include <stdbool.h>
#include <stdint.h>

#define SR_XR_MAX_BYTES 72       /* header, RRTR, DLRR with one block, VoIP metrics */
#define SR_XR_UNKNOWN 127

/* What the remote reported about our stream. */
typedef struct sr_xr {
    uint32_t count;
    uint8_t loss, discard;       /* of 256 */
    int8_t signal_dbm0, noise_dbm0;
    uint8_t r, mos_lq, mos_cq;   /* SR_XR_UNKNOWN: it does not say */
    uint16_t delay_ms, end_delay_ms;
    uint32_t lost;               /* of its summary */
    uint32_t reference;          /* middle 32 bits of its newest reference time; 0: none */
    int64_t reference_ns;
} sr_xr;

/* What we report about its stream. */
typedef struct sr_xr_local {
    uint32_t ssrc;               /* of the remote; 0: nothing has come, so there are no metrics */
    uint8_t loss, discard;
    int8_t signal_dbm0, noise_dbm0;
    uint16_t delay_ms, end_delay_ms, buffer_ms, buffer_max_ms;
    uint32_t duration_ms;
} sr_xr_local;

int sr_xr_write(const sr_xr *xr, uint8_t *data, uint32_t own_ssrc, const sr_xr_local *local, uint64_t ntp, int64_t now_ns);

/* Reads the blocks of one XR packet. Returns the round trip that a DLRR block for us tells, in 1/65536 s; 0 for none. */
uint32_t sr_xr_read(sr_xr *xr, const uint8_t *data, const uint8_t *end, uint32_t own_ssrc, uint64_t ntp, int64_t now_ns);

#endif
