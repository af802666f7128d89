/* SPDX-License-Identifier: Apache-2.0
 *
 * A shard's life and its clock.
 */
#define _GNU_SOURCE
#include "plane.h"

#include "random.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEEP_SLOTS 32            /* each leg is looked after once in so many slots: every 160 ms */
#define MAX_CATCH_UP 10          /* slots; after a longer stop the clock jumps */
#define LATE_NS 2000000
#define ALIGNMENT 64

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Zeroed pages, which cost nothing before they are used: a leg that only relays has no jitter buffer in memory. */
static void *take(sr_plane *plane, int which, size_t count, size_t bytes)
{
    size_t total = count * bytes + ALIGNMENT;
    void *memory = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    plane->memory[which].start = memory;
    plane->memory[which].bytes = total;
    return memory;
}

static const char *make_filters(sr_plane *plane)
{
    for (uint32_t i = 0; i < plane->codec_count; i++) {
        uint32_t rate_hz = plane->codecs[i]->sample_rate_hz, known = 0;
        while (known < plane->rate_count && plane->rates[known] != rate_hz)
            known++;
        if (known == SR_MAX_RATES)
            return "the codecs have too many different sample rates";
        plane->rates[known] = rate_hz;
        if (known == plane->rate_count)
            plane->rate_count++;
    }
    uint32_t count = plane->rate_count;
    plane->filters = take(plane, 7, (size_t)count * count, sizeof *plane->filters);
    if (plane->filters == NULL)
        return "not enough memory";
    for (uint32_t from = 0; from < count; from++)
        for (uint32_t to = 0; to < count; to++)
            if (from != to && sr_resample_filter_init(&plane->filters[from * count + to], plane->rates[from], plane->rates[to]) < 0)
                return "two codecs have sample rates of an odd ratio";
    return NULL;
}

static void take_codec_sizes(const sr_plane *plane, size_t *encoder, size_t *decoder)
{
    *encoder = *decoder = 0;
    for (uint32_t i = 0; i < plane->codec_count; i++) {
        if (plane->codecs[i]->encoder_size > *encoder)
            *encoder = plane->codecs[i]->encoder_size;
        if (plane->codecs[i]->decoder_size > *decoder)
            *decoder = plane->codecs[i]->decoder_size;
    }
    *encoder = aligned(*encoder);
    *decoder = aligned(*decoder);
}

static const char *share_stats(sr_plane *plane)
{
    size_t bytes = sizeof(sr_plane_stats) + plane->config.max_legs * sizeof(sr_leg_stats);
    plane->stats_fd = memfd_create("switchroom-stats", MFD_CLOEXEC);
    if (plane->stats_fd < 0 || ftruncate(plane->stats_fd, (off_t)bytes) < 0)
        return "no shared memory for the statistics";
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, plane->stats_fd, 0);
    if (memory == MAP_FAILED)
        return "the statistics cannot be mapped";
    plane->stats = memory;
    plane->leg_stats = (sr_leg_stats *)(plane->stats + 1);
    return NULL;
}

static const char *take_memory(sr_plane *plane)
{
    size_t encoder, decoder, count = plane->config.max_legs, pairs = (size_t)plane->codec_count * plane->codec_count;
    take_codec_sizes(plane, &encoder, &decoder);
    plane->encoder_bytes = encoder;
    plane->decoder_bytes = decoder;
    plane->legs = take(plane, 0, count, sizeof *plane->legs);
    uint8_t *encoders = take(plane, 1, count, encoder), *decoders = take(plane, 2, count, decoder);
    int16_t *outgoing = take(plane, 3, count * 2 * SR_MAX_FRAME_SAMPLES, sizeof *outgoing);
    sr_playout *playouts = take(plane, 4, count, sizeof *playouts);
    sr_resample *resamples = take(plane, 8, 2 * count, sizeof *resamples);
    plane->rooms = take(plane, 9, SR_MAX_ROOMS, sizeof *plane->rooms);
    plane->taps = take(plane, 13, count + SR_MAX_ROOMS, sizeof *plane->taps);
    uint8_t *tap_decoders = take(plane, 14, 2 * count, decoder);
    plane->parties = take(plane, 10, SR_MIX_PARTIES + 1, sizeof *plane->parties);
    plane->said = take(plane, 11, (SR_MIX_PARTIES + 1) * SR_MIX_SAMPLES, sizeof *plane->said);
    plane->sum = take(plane, 12, SR_MIX_SAMPLES, sizeof *plane->sum);
    plane->open = take(plane, 15, count, sizeof *plane->open);
    plane->translations = take(plane, 16, pairs, SR_TRANSLATION_BYTES);
    plane->prompts = take(plane, 5, plane->config.max_prompts, sizeof *plane->prompts);
    plane->facts = take(plane, 6, SR_FACTS, sizeof *plane->facts);
    if (!plane->legs || !encoders || !decoders || !outgoing || !playouts || !resamples || !plane->prompts || !plane->facts
        || !plane->rooms || !plane->parties || !plane->said || !plane->sum || !plane->taps || !tap_decoders || !plane->open
        || !plane->translations)
        return "not enough memory";
    for (size_t i = 0; i < count; i++) {
        sr_leg *leg = &plane->legs[i];
        leg->encoder = encoders + i * encoder;
        leg->decoder = decoders + i * decoder;
        leg->outgoing = outgoing + i * 2 * SR_MAX_FRAME_SAMPLES;
        leg->playout = &playouts[i];
        plane->taps[i].said.decoder = tap_decoders + 2 * i * decoder;
        plane->taps[i].heard.decoder = tap_decoders + (2 * i + 1) * decoder;
        leg->from_remote.state = &resamples[2 * i];
        leg->to_remote.state = &resamples[2 * i + 1];
        leg->next_free = i + 1 < count ? (uint32_t)i + 1 : UINT32_MAX;
    }
    plane->free_head = 0;
    plane->free_tail = (uint32_t)count - 1;
    return NULL;
}

const char *sr_plane_init(sr_plane *plane, const sr_plane_config *config, const sr_net *net, int wire_fd)
{
    plane->config = *config;
    plane->net = *net;
    plane->ports = config->ports;
    plane->wire_fd = wire_fd;
    plane->epoll_fd = plane->timer_fd = plane->stats_fd = plane->door[0] = plane->door[1] = -1;
    plane->random = config->seed;
    if (config->max_legs < 1)
        return "max_legs must be at least 1";
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    for (int i = 0; i < SR_CNAME_BYTES; i++) /* RFC 7022: 80 random bits, which tell nobody who we are */
        plane->cname[i] = letters[sr_random(&plane->random) & 31];
    if (!sr_srtp_start())
        return "libsrtp does not start";
    const char *problem = take_memory(plane);
    if (problem == NULL)
        problem = make_filters(plane);
    if (problem == NULL)
        sr_translations_init(plane->translations, plane->codecs, plane->codec_count);
    if (problem == NULL)
        problem = share_stats(plane);
    return problem;
}

void sr_plane_end(sr_plane *plane)
{
    for (uint32_t i = 0; plane->legs != NULL && i < plane->config.max_legs; i++)
        if (plane->legs[i].handle != 0)
            sr_leg_close(plane, &plane->legs[i]);
    for (uint32_t i = 0; plane->rooms != NULL && i < SR_MAX_ROOMS; i++)
        sr_room_record_stop(plane, i);
    atomic_store(&plane->ended, 1);
}

void sr_plane_free(sr_plane *plane)
{
    sr_plane_end(plane);
    if (plane->taps != NULL)
        sr_taps_drain(plane);
    for (uint32_t i = 0; plane->prompts != NULL && i < plane->config.max_prompts; i++)
        sr_prompt_unload(&plane->prompts[i]);
    if (plane->stats != NULL)
        munmap(plane->stats, sizeof(sr_plane_stats) + plane->config.max_legs * sizeof(sr_leg_stats));
    int fds[] = {plane->stats_fd, plane->epoll_fd, plane->timer_fd, plane->wire_fd, plane->door[0], plane->door[1]};
    for (int i = 0; i < 6; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    for (int i = 0; i < SR_MEMORIES; i++)
        if (plane->memory[i].start != NULL)
            munmap(plane->memory[i].start, plane->memory[i].bytes);
    memset(plane, 0, sizeof *plane);
    plane->stats_fd = plane->epoll_fd = plane->timer_fd = plane->wire_fd = plane->door[0] = plane->door[1] = -1;
}

sr_leg *sr_plane_leg(sr_plane *plane, uint32_t handle)
{
    uint32_t index = handle & 0xffff;
    if (handle == 0 || index >= plane->config.max_legs || plane->legs[index].handle != handle)
        return NULL;
    return &plane->legs[index];
}

void sr_plane_clock(sr_plane *plane, int64_t now_ns, int64_t wall_ns)
{
    plane->now_ns = now_ns;
    plane->wall_ns = wall_ns;
    if (plane->first_slot_ns == 0)
        plane->first_slot_ns = now_ns;
}

static void wheel_remove(sr_plane *plane, sr_leg *leg)
{
    if (leg->wheel_link == NULL)
        return;
    plane->wheel_legs--;
    plane->wheel_counts[leg->wheel_slot]--;
    *leg->wheel_link = leg->wheel_next;
    if (leg->wheel_next != NULL)
        leg->wheel_next->wheel_link = leg->wheel_link;
    leg->wheel_link = NULL;
    leg->wheel_next = NULL;
}

static void wheel_add(sr_plane *plane, sr_leg *leg, uint64_t slot)
{
    leg->wheel_slot = slot % SR_WHEEL_SLOTS;
    sr_leg **head = &plane->wheel[leg->wheel_slot];
    plane->wheel_legs++;
    plane->wheel_counts[leg->wheel_slot]++;
    leg->wheel_next = *head;
    leg->wheel_link = head;
    if (*head != NULL)
        (*head)->wheel_link = &leg->wheel_next;
    *head = leg;
}

/* Within one frame, where the fewest legs are due; where there is a choice, by its place: so the load is spread. */
static uint64_t first_slot(const sr_plane *plane, const sr_leg *leg)
{
    uint32_t slots = leg->frame_ms / SR_SLOT_MS, phase = (uint32_t)(leg - plane->legs), best = phase % slots;
    const uint32_t *counts = plane->wheel_counts;
    for (uint32_t i = 1; i < slots; i++) {
        uint32_t other = (phase + i) % slots;
        if (counts[(plane->slot + 1 + other) % SR_WHEEL_SLOTS] < counts[(plane->slot + 1 + best) % SR_WHEEL_SLOTS])
            best = other;
    }
    return plane->slot + 1 + best;
}

void sr_plane_schedule(sr_plane *plane, sr_leg *leg)
{
    bool generated = leg->feed >= SR_FEED_PEER;
    wheel_remove(plane, leg); /* whatever is heard now begins at a turn of its own */
    if (generated)
        wheel_add(plane, leg, first_slot(plane, leg));
}

/* Legs come and go while their neighbours run, so each is taken off before its turn and put back after it. */
static void do_slot(sr_plane *plane)
{
    sr_leg **head = &plane->wheel[plane->slot % SR_WHEEL_SLOTS], *due = *head;
    *head = NULL;
    if (due != NULL)
        due->wheel_link = &due;
    while (due != NULL) {
        sr_leg *leg = due;
        wheel_remove(plane, leg);
        wheel_add(plane, leg, plane->slot + leg->frame_ms / SR_SLOT_MS);
        sr_leg_generate(plane, leg);
    }
    sr_rooms_tick(plane);
    sr_taps_tick(plane);
    for (uint32_t i = plane->slot % KEEP_SLOTS; i < plane->counts.open_legs; i += KEEP_SLOTS)
        sr_leg_keep(plane, &plane->legs[plane->open[i]]);
    sr_taps_keep(plane, plane->slot % KEEP_SLOTS, KEEP_SLOTS);
}

static void publish(sr_plane *plane)
{
    sr_plane_stats now = plane->counts;
    sr_stats_begin(&plane->stats->lock);
    now.lock = plane->stats->lock;
    now.version = SR_WIRE_VERSION;
    now.max_legs = plane->config.max_legs;
    now.free_ports = sr_ports_count(plane->ports);
    *plane->stats = now;
    sr_stats_end(&plane->stats->lock);
}

bool sr_plane_may_rest(const sr_plane *plane)
{
    return plane->wheel_legs == 0 && plane->active_rooms == 0 && plane->recorded_rooms == 0 && plane->tapped_legs == 0
        && (plane->facts_count == 0 || plane->wire_fd < 0);
}

static int late_step(int64_t late_ns)
{
    uint64_t us = (uint64_t)late_ns / 1000;
    if (us < 16)
        return 0;
    int octave = 63 - __builtin_clzll(us);
    int step = 1 + 4 * (octave - 4) + (int)(us >> (octave - 2) & 3);
    return step < SR_LATE_STEPS ? step : SR_LATE_STEPS - 1;
}

void sr_plane_note_late(sr_plane *plane, int64_t late_ns, int slots)
{
    if (late_ns < 0)
        late_ns = 0;
    if (late_ns > plane->counts.max_late_ns)
        plane->counts.max_late_ns = late_ns;
    plane->counts.late_slots += late_ns > LATE_NS ? (uint64_t)slots : 0;
    plane->counts.late_steps[late_step(late_ns)] += (uint64_t)slots;
}

int64_t sr_plane_tick(sr_plane *plane)
{
    int64_t due_ns = plane->first_slot_ns + (int64_t)(plane->slot + 1) * SR_SLOT_NS;
    int64_t late_ns = plane->now_ns - due_ns, rest_ns = plane->resting ? SR_REST_SLOTS * SR_SLOT_NS : 0;
    if (late_ns < 0)
        return due_ns;
    late_ns = late_ns > rest_ns ? late_ns - rest_ns : 0;
    if (late_ns > MAX_CATCH_UP * SR_SLOT_NS) {
        int64_t skipped = late_ns / SR_SLOT_NS;
        plane->first_slot_ns += skipped * SR_SLOT_NS;
        due_ns += skipped * SR_SLOT_NS;
        plane->counts.skipped_slots += (uint64_t)skipped;
        if (!plane->resting)
            sr_plane_note_late(plane, late_ns, 1);
    }
    for (; due_ns <= plane->now_ns; due_ns += SR_SLOT_NS) {
        plane->slot++;
        plane->counts.slots++;
        if (!plane->resting)
            sr_plane_note_late(plane, plane->now_ns - due_ns, 1);
        do_slot(plane);
    }
    publish(plane);
    return due_ns;
}
