/* SPDX-License-Identifier: Apache-2.0 */
#include "sender.h"

#include "random.h"

#define NS_PER_S 1000000000LL

void sr_sender_init(sr_sender *sender, uint64_t *random)
{
    uint64_t bits = sr_random(random);
    *sender = (sr_sender){.ssrc = (uint32_t)sr_random(random), .sequence = (uint16_t)bits};
    sender->timestamp = sender->next_timestamp = (uint32_t)(bits >> 32);
}

void sr_sender_break(sr_sender *sender)
{
    sender->continuous = false;
}

uint32_t sr_sender_clock(const sr_sender *sender, uint32_t clock_rate_hz, int64_t now_ns)
{
    if (sender->packets == 0)
        return sender->timestamp;
    int64_t passed = now_ns - sender->sent_ns;
    return sender->timestamp + (uint32_t)(passed / NS_PER_S * clock_rate_hz + passed % NS_PER_S * clock_rate_hz / NS_PER_S);
}

/* The timestamp at which something new may begin: later than all before, and in step with the time that has passed. */
static uint32_t new_timestamp(const sr_sender *sender, uint32_t clock_rate_hz, int64_t now_ns)
{
    uint32_t now = sr_sender_clock(sender, clock_rate_hz, now_ns);
    uint32_t least = sender->timestamp + (sender->packets ? clock_rate_hz / 100 : 0);
    return (int32_t)(now - least) < 0 ? least : now;
}

static void count(sr_sender *sender, const sr_rtp *packet, int64_t now_ns)
{
    sender->packets++;
    sender->octets += (uint32_t)packet->payload_bytes;
    if (sender->packets == 1 || (int16_t)(packet->sequence - sender->sequence) > 0) {
        sender->sequence = packet->sequence;
        sender->timestamp = packet->timestamp;
        sender->sent_ns = now_ns;
    }
}

void sr_sender_relay(sr_sender *sender, sr_rtp *packet, uint32_t feed, bool restarted, uint32_t clock_rate_hz,
                     int64_t now_ns)
{
    if (restarted || !sender->continuous || sender->feed != feed || sender->feed_ssrc != packet->ssrc) {
        sender->feed = feed;
        sender->feed_ssrc = packet->ssrc;
        sender->sequence_offset = (uint16_t)(sender->sequence + 1 - packet->sequence);
        sender->timestamp_offset = new_timestamp(sender, clock_rate_hz, now_ns) - packet->timestamp;
        sender->continuous = true;
        packet->marker = true;
    }
    packet->ssrc = sender->ssrc;
    packet->sequence = (uint16_t)(packet->sequence + sender->sequence_offset);
    packet->timestamp += sender->timestamp_offset;
    count(sender, packet, now_ns);
}

void sr_sender_skip(sr_sender *sender)
{
    sender->sequence_offset--;
}

static void follow_time(sr_sender *sender, uint32_t clock_rate_hz, int64_t now_ns)
{
    if (sender->continuous && sender->feed == 0)
        return;
    sender->feed = 0;
    sender->next_timestamp = new_timestamp(sender, clock_rate_hz, now_ns);
}

void sr_sender_generate(sr_sender *sender, sr_rtp *packet, uint32_t units, uint32_t clock_rate_hz, int64_t now_ns)
{
    packet->marker = !sender->continuous || sender->feed != 0;
    follow_time(sender, clock_rate_hz, now_ns);
    sender->continuous = true;
    packet->ssrc = sender->ssrc;
    packet->sequence = (uint16_t)(sender->sequence + 1);
    packet->timestamp = sender->next_timestamp;
    sender->next_timestamp += units;
    count(sender, packet, now_ns);
}

void sr_sender_pass(sr_sender *sender, uint32_t units)
{
    if (!sender->continuous || sender->feed != 0)
        return;
    sender->next_timestamp += units;
}
