/* SPDX-License-Identifier: Apache-2.0
 *
 * What is there, told to a server that finds it: a media process outlives the servers that gave it its legs.
 */
#include <string.h>

#include "plane.h"

static void list_leg(sr_plane *plane, sr_leg *leg)
{
    sr_record fact = {.body.listed = {
        .silent_ms = leg->heard ? (int32_t)((plane->now_ns - leg->heard_ns) / 1000000) : -1,
        .port = leg->port, .feed = (uint8_t)leg->feed, .send_codec = leg->configured ? leg->send_codec : SR_TYPE_UNKNOWN,
        .configured = leg->configured, .confirmed = leg->latch.confirmed,
        .room = leg->room != NULL ? (uint16_t)(leg->room - plane->rooms + 1) : 0,
        .recorded = sr_tap_is_recording(plane, leg),
    }};
    sr_endpoint_to_wire(&leg->latch.source, &fact.body.listed.source);
    memcpy(fact.body.listed.tag, leg->tag, sizeof leg->tag);
    leg->timed_out = false; /* silence is told again, for nobody heard it the last time */
    sr_plane_fact(plane, SR_LISTED, leg, leg->peer != NULL ? leg->peer->handle : 0, &fact);
}

void sr_plane_list(sr_plane *plane, uint32_t first_slot)
{
    uint32_t end = first_slot + SR_LIST_SLOTS;
    for (uint32_t i = first_slot; i < end && i < plane->config.max_legs; i++)
        if (plane->legs[i].handle != 0)
            list_leg(plane, &plane->legs[i]);
}
