/* SPDX-License-Identifier: Apache-2.0
 *
 * Symmetric RTP: which source a leg listens to and answers to.
 *
 * A phone behind a NAT sends from an address that its SDP does not name. So, until the leg has a source, the first one that
 * sends two valid packets in a row is taken; better ones (from the host that was signalled, or from exactly the signalled
 * address) take over from worse ones, and before the call is answered also anyone once the source has fallen silent. After
 * that only the same stream moves the leg: same SSRC, sequence and timestamp going on, and silence at the old address (a
 * NAT that gave the phone a new port). All other packets are a stranger's and reach nobody. RFC 4961, RFC 7362 section 5.
 */
#ifndef SWITCHROOM_LATCH_H
#define SWITCHROOM_LATCH_H

#include "net.h"
#include "rtp.h"

enum sr_trust { SR_UNKNOWN = 0, SR_OTHER_HOST, SR_SIGNALLED_HOST, SR_SIGNALLED };

enum sr_verdict {
    SR_STRANGER,                 /* drop it */
    SR_SOURCE,                   /* from the source of the leg */
    SR_MOVED,                    /* from the source of the leg, which is a new address by this packet */
};

typedef struct sr_latch {
    sr_endpoint signalled;       /* what the SDP said */
    sr_endpoint source;          /* where RTP comes from and goes to; the signalled address until something came */
    enum sr_trust trust;         /* in the source; SR_UNKNOWN: none yet */
    bool confirmed;
    int64_t heard_ns;            /* the last packet of the source */
    sr_endpoint candidate;       /* sent one valid packet; the next one in sequence makes it the source */
    uint32_t candidate_ssrc;
    uint16_t candidate_next;
    sr_endpoint former;          /* the source before the signalled address changed, and until when it may not come back */
    int64_t former_until_ns;
} sr_latch;

/* Takes the address of an SDP. When it differs from the former one, the source is forgotten. */
void sr_latch_signal(sr_latch *latch, const sr_endpoint *signalled, int64_t now_ns);

/* Judges a packet of a payload type that the leg receives. `receiver` is the state of the source's stream. */
enum sr_verdict sr_latch_judge(sr_latch *latch, const sr_endpoint *from, const sr_rtp *packet,
                               const sr_rtp_receiver *receiver, uint32_t clock_rate_hz, int64_t now_ns);

#endif
