/* SPDX-License-Identifier: Apache-2.0 */
#include "srtp.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "bytes.h"
#include "srtp_ciphers.h"

#define FORMER_NS 2000000000LL   /* so long the former key opens what it protected */
#define REPLAY_WINDOW 1024       /* packets; late ones within it are not taken for replays */

static bool started;

static void start_once(void)
{
    started = srtp_init() == srtp_err_status_ok && sr_srtp_ciphers_install();
}

bool sr_srtp_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_once);
    return started;
}

static bool make_policy(srtp_policy_t *policy, uint8_t suite)
{
    memset(policy, 0, sizeof *policy);
    switch (suite) {
    case SR_AES_CM_128_HMAC_SHA1_80:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
        break;
    case SR_AES_CM_128_HMAC_SHA1_32: /* RFC 4568 section 6.2.2: the short tag is for RTP alone */
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
        return true;
    case SR_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
        break;
    case SR_AEAD_AES_256_GCM:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
        break;
    default:
        return false;
    }
    policy->rtcp = policy->rtp;
    return true;
}

static srtp_t make_context(uint8_t suite, const uint8_t *key, srtp_ssrc_type_t direction)
{
    srtp_policy_t policy;
    srtp_t context = NULL;
    if (!make_policy(&policy, suite))
        return NULL;
    policy.ssrc.type = direction;
    policy.key = (unsigned char *)key;
    policy.window_size = REPLAY_WINDOW;
    return srtp_create(&context, &policy) == srtp_err_status_ok ? context : NULL;
}

static void drop(srtp_t *context)
{
    if (*context != NULL)
        srtp_dealloc(*context);
    *context = NULL;
}

void sr_srtp_clear(sr_srtp *srtp)
{
    drop(&srtp->receive);
    drop(&srtp->former);
    drop(&srtp->send);
    memset(srtp, 0, sizeof *srtp);
}

bool sr_srtp_set(sr_srtp *srtp, const sr_secure *keys, int64_t now_ns)
{
    if (keys->suite == SR_PLAIN) {
        sr_srtp_clear(srtp);
        return true;
    }
    bool same_suite = srtp->keys.suite == keys->suite;
    bool receive_stays = same_suite && memcmp(srtp->keys.receive_key, keys->receive_key, SR_KEY_BYTES) == 0;
    bool send_stays = same_suite && memcmp(srtp->keys.send_key, keys->send_key, SR_KEY_BYTES) == 0;
    srtp_t receive = receive_stays ? NULL : make_context(keys->suite, keys->receive_key, ssrc_any_inbound);
    srtp_t send = send_stays ? NULL : make_context(keys->suite, keys->send_key, ssrc_any_outbound);
    if ((!receive_stays && receive == NULL) || (!send_stays && send == NULL)) {
        drop(&receive);
        drop(&send);
        return false;
    }
    if (!receive_stays) {
        drop(&srtp->former);
        srtp->former = srtp->receive;
        srtp->former_until_ns = now_ns + FORMER_NS;
        srtp->receive = receive;
        srtp->source_count = 0;
    }
    if (!send_stays) {
        drop(&srtp->send);
        srtp->send = send;
    }
    srtp->keys = *keys;
    return true;
}

/* The remote may change its SSRC as often as it likes; libsrtp would keep a stream for each for ever. */
static void note_source(sr_srtp *srtp, uint32_t ssrc)
{
    uint32_t known = srtp->source_count < SR_SRTP_SOURCES ? srtp->source_count : SR_SRTP_SOURCES;
    for (uint32_t i = 0; i < known; i++)
        if (srtp->sources[i] == ssrc)
            return;
    uint32_t *slot = &srtp->sources[srtp->source_count++ % SR_SRTP_SOURCES];
    if (known == SR_SRTP_SOURCES)
        srtp_remove_stream(srtp->receive, htonl(*slot));
    *slot = ssrc;
}

static srtp_err_status_t open_with(srtp_t context, uint8_t *data, int *bytes, bool rtcp)
{
    return rtcp ? srtp_unprotect_rtcp(context, data, bytes) : srtp_unprotect(context, data, bytes);
}

enum sr_opened sr_srtp_open(sr_srtp *srtp, uint8_t *data, int *bytes, bool rtcp, int64_t now_ns)
{
    srtp_err_status_t status = srtp_err_status_parse_err;
    if (*bytes < (rtcp ? 8 : 12) || data[0] >> 6 != 2)
        return SR_NOT_SRTP;
    if (srtp->former != NULL) {
        if (now_ns >= srtp->former_until_ns) {
            drop(&srtp->former);
        } else { /* GCM decrypts before it knows the tag to be wrong, so the attempt gets a copy */
            uint8_t copy[SR_SRTP_PACKET_BYTES] __attribute__((aligned(8)));
            int length = *bytes;
            if (length > SR_SRTP_PACKET_BYTES)
                return SR_NOT_SRTP;
            memcpy(copy, data, (size_t)length);
            if (open_with(srtp->former, copy, &length, rtcp) == srtp_err_status_ok) {
                memcpy(data, copy, (size_t)length);
                *bytes = length;
                return SR_OPENED;
            }
        }
    }
    status = open_with(srtp->receive, data, bytes, rtcp);
    if (status == srtp_err_status_ok) {
        note_source(srtp, sr_read32(data + (rtcp ? 4 : 8)));
        return SR_OPENED;
    }
    if (status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old)
        return SR_REPLAYED;
    return status == srtp_err_status_auth_fail || status == srtp_err_status_cipher_fail ? SR_WRONG_KEY : SR_NOT_SRTP;
}

int sr_srtp_seal(sr_srtp *srtp, uint8_t *data, int bytes, bool rtcp)
{
    srtp_err_status_t status = rtcp ? srtp_protect_rtcp(srtp->send, data, &bytes) : srtp_protect(srtp->send, data, &bytes);
    return status == srtp_err_status_ok ? bytes : -1;
}
