/* SPDX-License-Identifier: Apache-2.0 */
#include "telephone_event.h"

#include "bytes.h"

static const char names[] = "0123456789*#ABCD!"; /* section 3.2, table 3; 16 is flash */

#define FLASH 16
#define NEAR 1000u               /* sequence numbers this far back are reordered, farther ones a new start */

static int finish(sr_event_receiver *receiver, uint32_t clock_hz, sr_digit *digit)
{
    uint64_t duration = (uint64_t)receiver->earlier + receiver->duration;
    receiver->running = false;
    digit->name = names[receiver->event];
    digit->duration_ms = clock_hz ? (uint32_t)(duration * 1000 / clock_hz) : 0;
    digit->in_band = false;
    return 1;
}

static void begin(sr_event_receiver *receiver, const sr_rtp *packet, uint8_t event)
{
    receiver->known = receiver->running = true;
    receiver->event = event;
    receiver->ssrc = packet->ssrc;
    receiver->timestamp = packet->timestamp;
    receiver->duration = 0;
    receiver->earlier = 0;
}

/* Long events come in segments: the next one begins where the last one ended, and that had no end bit. */
static bool is_next_segment(const sr_event_receiver *receiver, const sr_rtp *packet, uint8_t event)
{
    return receiver->running && receiver->event == event && receiver->ssrc == packet->ssrc && receiver->duration >= 0x8000
        && packet->timestamp == receiver->timestamp + receiver->duration;
}

/* Some senders give the same timestamp to the next press of a key. It shows in a later packet that starts again: marked,
 * or shorter than what was there; the end is repeated, but never with a shorter duration. */
static bool is_new_press(const sr_event_receiver *receiver, const sr_rtp *packet, uint16_t duration, bool end)
{
    return !receiver->running && (packet->marker || (!end && duration < receiver->duration));
}

/* Some senders let the timestamp run on while the key is down. A press cannot begin before the last one of it has ended. */
static bool is_within(const sr_event_receiver *receiver, const sr_rtp *packet, uint16_t duration, bool end, uint32_t clock_hz)
{
    uint32_t later = packet->timestamp - receiver->timestamp;
    uint32_t longest = duration > receiver->duration ? duration : receiver->duration;
    if (end && !receiver->running && duration == receiver->duration)
        longest += clock_hz / 20; /* repetitions of the end that run on, too */
    return !packet->marker && later <= longest;
}

int sr_event_receive(sr_event_receiver *receiver, const sr_rtp *packet, uint32_t clock_hz, int64_t now_ns,
                     sr_digit digits[SR_EVENT_MAX_DIGITS])
{
    if (packet->payload_bytes < 4 || packet->payload[0] > FLASH)
        return 0;
    uint8_t event = packet->payload[0];
    bool end = packet->payload[1] >> 7;
    uint16_t duration = sr_read16(packet->payload + 2);
    int count = 0;

    bool same_stream = receiver->known && receiver->ssrc == packet->ssrc;
    uint16_t behind = (uint16_t)(receiver->sequence - packet->sequence);
    if (same_stream && behind < NEAR)
        return 0; /* a duplicate, or overtaken by what we have: it can tell nothing new */

    bool same_key = same_stream && receiver->event == event;
    bool same_event = same_key && receiver->timestamp == packet->timestamp;
    if (is_next_segment(receiver, packet, event)) {
        receiver->earlier += receiver->duration;
        receiver->timestamp = packet->timestamp;
        receiver->duration = 0;
    } else if (same_event ? is_new_press(receiver, packet, duration, end) : !same_key || !is_within(receiver, packet, duration, end, clock_hz)) {
        if (receiver->running)
            count += finish(receiver, clock_hz, &digits[count]);
        begin(receiver, packet, event);
    }
    receiver->sequence = packet->sequence;
    receiver->heard_ns = now_ns;
    if (duration > receiver->duration)
        receiver->duration = duration;
    if (receiver->running && end)
        count += finish(receiver, clock_hz, &digits[count]);
    return count;
}

int sr_event_expire(sr_event_receiver *receiver, uint32_t clock_hz, int64_t now_ns, sr_digit digits[SR_EVENT_MAX_DIGITS])
{
    if (!receiver->running || now_ns - receiver->heard_ns < SR_EVENT_SILENCE_NS)
        return 0;
    return finish(receiver, clock_hz, &digits[0]);
}
