/* SPDX-License-Identifier: Apache-2.0 */
#include "keypad.h"

#include <string.h>

#include "bytes.h"
#include "plane.h"

#define VOLUME 10                /* dB below 0 dBm0, as the packets tell it */

#define FORWARD_GAP_NS 100000000LL /* no packet of an event for so long: audio goes on */

static const char names[] = "0123456789*#ABCD";

static int event_code(char digit)
{
    const char *place = digit == '\0' ? NULL : strchr(names, digit);
    return place == NULL ? -1 : (int)(place - names);
}

bool sr_keypad_add(sr_keypad *keypad, const sr_keys *keys)
{
    if (keys->count < 1 || keys->count > SR_KEYS || keypad->count + keys->count > SR_KEYPAD_PRESSES || keys->on_ms < 40
        || keys->off_ms < 40)
        return false;
    for (int i = 0; i < keys->count; i++)
        if (keys->digits[i] != ' ' && event_code(keys->digits[i]) < 0)
            return false;
    for (int i = 0; i < keys->count; i++) {
        sr_press *press = &keypad->presses[(keypad->first + keypad->count++) % SR_KEYPAD_PRESSES];
        *press = (sr_press){keys->digits[i], keys->on_ms, keys->off_ms};
    }
    return true;
}

static void send_event(sr_plane *plane, sr_leg *leg, const sr_press *press, uint32_t units, bool begin, bool end)
{
    sr_keypad *keypad = &leg->keypad;
    uint32_t clock_rate_hz = sr_send_codec(plane, leg)->clock_rate_hz;
    sr_rtp packet = {.payload = plane->datagram + SR_HEADROOM, .payload_type = leg->send_event_type, .payload_bytes = 4};
    sr_sender_generate(&leg->sender, &packet, 0, clock_rate_hz, plane->now_ns);
    if (begin) {
        keypad->timestamp = packet.timestamp;
        keypad->segments = 0;
    }
    packet.marker = begin;
    uint32_t duration = units - keypad->segments;
    bool full = duration > UINT16_MAX;
    packet.timestamp = keypad->timestamp;
    packet.payload[0] = (uint8_t)event_code(press->digit);
    packet.payload[1] = (uint8_t)((end && !full) << 7 | VOLUME);
    sr_write16(packet.payload + 2, full ? UINT16_MAX : (uint16_t)duration);
    sr_leg_send(plane, leg, &packet);
    if (full) {
        keypad->segments += UINT16_MAX;
        keypad->timestamp += UINT16_MAX;
        send_event(plane, leg, press, units, false, end);
    }
}

static void event_frame(sr_plane *plane, sr_leg *leg, const sr_press *press)
{
    sr_keypad *keypad = &leg->keypad;
    uint32_t per_ms = sr_send_codec(plane, leg)->clock_rate_hz / 1000;
    uint32_t begin_ms = keypad->elapsed_ms, end_ms = begin_ms + leg->frame_ms;
    bool due = end_ms % SR_KEYPAD_UPDATE_MS == 0;
    if (begin_ms < press->on_ms) {
        bool released = end_ms >= press->on_ms;
        if (due || released || begin_ms == 0)
            send_event(plane, leg, press, (released ? press->on_ms : end_ms) * per_ms, begin_ms == 0, released);
        keypad->ends = released ? SR_KEYPAD_ENDS - 1 : 0;
    } else if (due && keypad->ends > 0) {
        keypad->ends--;
        send_event(plane, leg, press, press->on_ms * per_ms, false, true);
    }
    sr_sender_pass(&leg->sender, leg->frame_ms * per_ms);
}

static void tone_frame(sr_plane *plane, sr_leg *leg, const sr_press *press)
{
    sr_keypad *keypad = &leg->keypad;
    uint32_t rate_hz = sr_send_codec(plane, leg)->sample_rate_hz;
    int samples = (int)rate_hz / 1000 * leg->frame_ms;
    float low_hz, high_hz;
    if (keypad->elapsed_ms == 0 && sr_dtmf_frequencies(press->digit, &low_hz, &high_hz) == 0)
        sr_tone_start(&keypad->tone, rate_hz, low_hz, SR_KEYPAD_DBM0, high_hz, SR_KEYPAD_DBM0,
                      (int64_t)press->on_ms * rate_hz / 1000, (int)rate_hz / 1000);
    if (press->digit == ' ')
        memset(plane->pcm, 0, (size_t)samples * sizeof *plane->pcm);
    else
        sr_tone_generate(&keypad->tone, plane->pcm, samples);
    sr_leg_send_pcm(plane, leg, plane->pcm, samples);
}

void sr_leg_press(sr_plane *plane, sr_leg *leg)
{
    sr_keypad *keypad = &leg->keypad;
    const sr_press *press = &keypad->presses[keypad->first];
    if (leg->send_event_type != SR_NO_TYPE && press->digit != ' ')
        event_frame(plane, leg, press);
    else
        tone_frame(plane, leg, press);
    keypad->elapsed_ms += leg->frame_ms;
    if (keypad->elapsed_ms < (uint32_t)press->on_ms + press->off_ms)
        return;
    keypad->first = (uint8_t)((keypad->first + 1) % SR_KEYPAD_PRESSES);
    keypad->count--;
    keypad->elapsed_ms = 0;
    if (keypad->count == 0)
        sr_leg_choose_feed(plane, leg);
}

void sr_leg_forward_event(sr_plane *plane, sr_leg *leg, sr_rtp *packet)
{
    if (leg->send_event_type == SR_NO_TYPE)
        return;
    sr_sender *sender = &leg->sender;
    uint32_t clock_rate_hz = sr_send_codec(plane, leg)->clock_rate_hz, source = packet->timestamp;
    bool begins = plane->now_ns >= leg->forwarding_until_ns || leg->forwarded_event != source;
    bool end = packet->payload_bytes >= 2 && packet->payload[1] >> 7;
    uint32_t resume_at = sender->next_timestamp;
    packet->payload_type = leg->send_event_type;
    sr_sender_generate(sender, packet, 0, clock_rate_hz, plane->now_ns);
    if (begins) {
        leg->forwarded_event = source;
        leg->forwarded_timestamp = packet->timestamp;
        resume_at = packet->timestamp;
    }
    packet->marker = begins;
    packet->timestamp = leg->forwarded_timestamp;
    sender->next_timestamp = resume_at;
    leg->forwarding_until_ns = plane->now_ns + FORWARD_GAP_NS / (end ? 4 : 1); /* the end comes three times */
    sr_leg_send(plane, leg, packet);
}
