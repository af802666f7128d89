/* SPDX-License-Identifier: Apache-2.0
 *
 * SRTP and SRTCP of one leg (RFC 3711, RFC 7714), by libsrtp: one key for each direction, as SDES agrees them (RFC 4568).
 *
 * The same keys again leave the streams as they are; new ones begin anew, and for a moment the former receiving key still
 * opens what was under way.
 */
#ifndef SWITCHROOM_SRTP_H
#define SWITCHROOM_SRTP_H

#include <srtp2/srtp.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

#define SR_SRTP_TAIL_BYTES 32    /* the most that protection adds: a tag of 16, and the index of SRTCP */
#define SR_SRTP_PACKET_BYTES 2048 /* the longest packet */
#define SR_SRTP_SOURCES 16       /* SSRCs of the remote whose replay windows are kept under one key */

typedef struct sr_srtp {
    sr_secure keys;              /* suite SR_PLAIN: nothing is encrypted, and nothing below is in use */
    srtp_t receive, former, send;
    int64_t former_until_ns;
    uint32_t sources[SR_SRTP_SOURCES];
    uint32_t source_count;       /* ever seen */
} sr_srtp;

enum sr_opened { SR_OPENED, SR_WRONG_KEY, SR_REPLAYED, SR_NOT_SRTP };

/* Once in the process, before anything else here. Returns false when libsrtp refuses. */
bool sr_srtp_start(void);

/* Takes the keys of an agreement. Returns false, and changes nothing, for a suite that there is not. */
bool sr_srtp_set(sr_srtp *srtp, const sr_secure *keys, int64_t now_ns);
void sr_srtp_clear(sr_srtp *srtp);

/* Both work in place; `bytes` becomes the length of the plain packet. */
enum sr_opened sr_srtp_open(sr_srtp *srtp, uint8_t *data, int *bytes, bool rtcp, int64_t now_ns);
/* Returns the length of the protected packet, -1 when it cannot be sent; needs SR_SRTP_TAIL_BYTES behind it. */
int sr_srtp_seal(sr_srtp *srtp, uint8_t *data, int bytes, bool rtcp);

#endif
