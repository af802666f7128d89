/* SPDX-License-Identifier: Apache-2.0 */
#include "latch.h"

#define MS 1000000LL
#define SILENT_NS (1000 * MS)    /* so long must the source be silent before another takes its place unconfirmed */
#define MOVING_NS (60 * MS)      /* and so long before its own stream may go on from elsewhere */
#define FORMER_NS (300 * MS)     /* packets under way when the address changed do not bring it back */

void sr_latch_signal(sr_latch *latch, const sr_endpoint *signalled, int64_t now_ns)
{
    if (sr_same_endpoint(&latch->signalled, signalled))
        return;
    latch->signalled = *signalled;
    if (latch->trust != SR_UNKNOWN && sr_same_endpoint(&latch->source, signalled)) {
        latch->trust = SR_SIGNALLED; /* it had moved already and tells now */
        return;
    }
    latch->former = latch->trust != SR_UNKNOWN ? latch->source : (sr_endpoint){.length = 0};
    latch->former_until_ns = now_ns + FORMER_NS;
    latch->source = *signalled;
    latch->trust = SR_UNKNOWN;
    latch->candidate.length = 0;
}

static enum sr_trust trust_in(const sr_latch *latch, const sr_endpoint *from)
{
    if (sr_same_endpoint(from, &latch->signalled))
        return SR_SIGNALLED;
    return sr_same_host(from, &latch->signalled) ? SR_SIGNALLED_HOST : SR_OTHER_HOST;
}

/* Two valid packets in sequence (RFC 3550 appendix A.1): a stray datagram is not enough. */
static bool on_probation(sr_latch *latch, const sr_endpoint *from, const sr_rtp *packet)
{
    bool expected = sr_same_endpoint(from, &latch->candidate) && packet->ssrc == latch->candidate_ssrc
        && packet->sequence == latch->candidate_next;
    latch->candidate = *from;
    latch->candidate_ssrc = packet->ssrc;
    latch->candidate_next = (uint16_t)(packet->sequence + 1);
    return !expected;
}

static enum sr_verdict take(sr_latch *latch, const sr_endpoint *from, enum sr_trust trust, int64_t now_ns)
{
    bool moved = !sr_same_endpoint(&latch->source, from);
    latch->source = *from;
    latch->trust = trust;
    latch->heard_ns = now_ns;
    latch->candidate.length = 0;
    return moved ? SR_MOVED : SR_SOURCE;
}

enum sr_verdict sr_latch_judge(sr_latch *latch, const sr_endpoint *from, const sr_rtp *packet,
                               const sr_rtp_receiver *receiver, uint32_t clock_rate_hz, int64_t now_ns)
{
    if (latch->trust != SR_UNKNOWN && sr_same_endpoint(from, &latch->source)) {
        latch->heard_ns = now_ns;
        return SR_SOURCE;
    }
    enum sr_trust trust = trust_in(latch, from);
    if (trust == SR_SIGNALLED)
        return take(latch, from, trust, now_ns); /* signalling is the authority */
    int64_t silent_ns = now_ns - latch->heard_ns;
    bool allowed;
    if (latch->trust == SR_UNKNOWN)
        allowed = now_ns >= latch->former_until_ns || !sr_same_endpoint(from, &latch->former);
    else if (!latch->confirmed)
        allowed = trust > latch->trust || silent_ns > SILENT_NS;
    else
        allowed = silent_ns > MOVING_NS && sr_rtp_continues(receiver, packet, clock_rate_hz, silent_ns);
    if (!allowed || on_probation(latch, from, packet))
        return SR_STRANGER;
    return take(latch, from, trust, now_ns);
}
