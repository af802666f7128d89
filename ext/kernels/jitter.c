/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/jitter.h"

#include <stddef.h>
#include <string.h>

enum { VACANT = 0, STORED, PLAYED, RECEIVED }; /* RECEIVED: counted as come, but nothing to play */

#define MASK (SR_JITTER_SLOTS - 1)
#define MAX_DROPOUT 3000 /* RFC 3550 A.1 */
#define MAX_MISORDER 100
#define NEVER (INT64_MAX / 4) /* far from all times, yet they can be taken from it, and it from them */
#define FIRST_WEIGHT (1u << 14)
#define LAST_WEIGHT (1u << 22)
#define FADE_SHIFT 8     /* the histogram remembers about 256 packets */
#define QUANTILE_SHIFT 7 /* all but 1 packet in 128 are to come in time */
#define REBASE_BINS 8   /* a transit this much faster than any is a new path or a new clock, not less jitter */

static int64_t ticks_of(const sr_jitter *j, int64_t ns)
{
    return ns / 1000000000 * j->clock_rate_hz + ns % 1000000000 * j->clock_rate_hz / 1000000000;
}

static int32_t ms_of(const sr_jitter *j, uint32_t ms)
{
    return (int32_t)((uint64_t)ms * j->clock_rate_hz / 1000);
}

static uint32_t span(const sr_jitter *j)
{
    return j->window_span[0] > j->window_span[1] ? j->window_span[0] : j->window_span[1];
}

static sr_jitter_entry *entry_of(sr_jitter *j, int64_t seq)
{
    return &j->ring[seq & MASK];
}

static int holds(const sr_jitter_entry *e, int64_t seq, int state)
{
    return e->seq == seq && e->state == state;
}

static void release(sr_jitter *j, sr_jitter_entry *e, int state)
{
    if (e->state == STORED)
        j->free_slots[j->free_count++] = e->slot;
    e->state = (uint8_t)state;
}

/* ---- what is learnt of the network ---- */

static void aim(sr_jitter *j)
{
    uint64_t enough = j->total - (j->total >> QUANTILE_SHIFT), sum = 0;
    int i = 0;
    for (; i < SR_JITTER_BINS - 1; i++) {
        sum += j->histogram[i];
        if (sum >= enough)
            break;
    }
    int32_t target = (i + 1) * j->bin + j->bin / 2; /* half a bin for what comes just after that point */
    if (target < j->min_delay)
        target = j->min_delay;
    if (target > j->max_delay)
        target = j->max_delay;
    j->target = target;
}

static void shift_histogram(sr_jitter *j, int64_t bins)
{
    uint32_t old[SR_JITTER_BINS];
    memcpy(old, j->histogram, sizeof old);
    memset(j->histogram, 0, sizeof old);
    for (int i = 0; i < SR_JITTER_BINS; i++) {
        int64_t to = i + bins;
        to = to < 0 ? 0 : to >= SR_JITTER_BINS ? SR_JITTER_BINS - 1 : to;
        j->histogram[to] += old[i];
    }
}

static void weigh(sr_jitter *j, int64_t late)
{
    int64_t at = late / j->bin;
    at = at < 0 ? 0 : at >= SR_JITTER_BINS ? SR_JITTER_BINS - 1 : at;
    j->histogram[at] += j->weight;
    j->total += j->weight;
    j->weight += j->weight >> FADE_SHIFT;
    if (j->weight > LAST_WEIGHT) {
        j->total = 0;
        for (int i = 0; i < SR_JITTER_BINS; i++)
            j->total += j->histogram[i] >>= 8;
        j->weight >>= 8;
    }
    aim(j);
}

static void forget_transits(sr_jitter *j, int64_t now, int64_t transit)
{
    for (int i = 0; i < SR_JITTER_WINDOWS; i++)
        j->window_min[i] = NEVER;
    j->window_min[j->window] = transit;
    j->window_end = now + j->clock_rate_hz;
    j->base = transit;
}

/* Keep `base` within one bin below the fastest transit of the windows, and the histogram counted from `base`. */
static void learn(sr_jitter *j, int64_t now, int64_t transit, uint32_t duration)
{
    if (now >= j->window_end) {
        j->window = (j->window + 1) % SR_JITTER_WINDOWS;
        j->window_min[j->window] = NEVER;
        j->window_end = now + j->clock_rate_hz;
        j->window_span[1] = j->window_span[0];
        j->window_span[0] = 0;
    }
    if (duration > j->window_span[0])
        j->window_span[0] = duration;
    int64_t *least = &j->window_min[j->window];
    if (transit < *least) {
        *least = transit;
        if (transit < j->base - (int64_t)REBASE_BINS * j->bin) {
            forget_transits(j, now, transit);
        } else if (transit < j->base) {
            int64_t bins = (j->base - transit + j->bin - 1) / j->bin;
            j->base -= bins * j->bin;
            shift_histogram(j, bins);
        }
    }
    if (transit >= j->base + j->bin) { /* only then can the floor have risen */
        int64_t floor = NEVER;
        for (int i = 0; i < SR_JITTER_WINDOWS; i++)
            floor = j->window_min[i] < floor ? j->window_min[i] : floor;
        int64_t bins = (floor - j->base) / j->bin;
        if (bins > 0) {
            j->base += bins * j->bin;
            shift_histogram(j, -bins);
        }
    }
    weigh(j, transit - j->base);
}

/* ---- life ---- */

void sr_jitter_flush(sr_jitter *j)
{
    for (int i = 0; i < SR_JITTER_SLOTS; i++) {
        j->ring[i].state = VACANT;
        j->ring[i].seq = -1;
        j->free_slots[i] = (uint8_t)(SR_JITTER_SLOTS - 1 - i);
    }
    j->free_count = SR_JITTER_SLOTS;
    j->started = 0;
    j->waiting = 1;
    j->dtx = 0;
    j->ahead = 0;
    j->odd_seq = -1;
    j->odd_transit = NEVER;
}

void sr_jitter_bounds(sr_jitter *j, uint32_t min_delay_ms, uint32_t max_delay_ms)
{
    int32_t longest = SR_JITTER_BINS * j->bin;
    j->min_delay = ms_of(j, min_delay_ms);
    j->max_delay = ms_of(j, max_delay_ms);
    if (j->max_delay > longest)
        j->max_delay = longest;
    if (j->min_delay > j->max_delay)
        j->min_delay = j->max_delay;
    aim(j);
}

void sr_jitter_init(sr_jitter *j, uint32_t clock_rate_hz, uint32_t min_delay_ms, uint32_t max_delay_ms)
{
    memset(j, 0, offsetof(sr_jitter, payload)); /* the payloads stay untouched, and so unmapped until needed */
    j->clock_rate_hz = clock_rate_hz;
    j->bin = (int32_t)(clock_rate_hz / 200);
    j->weight = FIRST_WEIGHT;
    sr_jitter_bounds(j, min_delay_ms, max_delay_ms);
    sr_jitter_flush(j);
}

/* ---- arrival ---- */

static void restart(sr_jitter *j, int64_t now, const sr_jitter_packet *p)
{
    for (int64_t s = j->next_seq; j->started && s <= j->newest_seq; s++)
        j->stats.discarded += holds(entry_of(j, s), s, STORED);
    sr_jitter_flush(j);
    j->started = j->fresh = 1;
    j->ssrc = p->ssrc;
    j->next_seq = j->newest_seq = ((int64_t)1 << 32) + p->seq; /* far from zero: earlier ones stay positive */
    j->newest_ts = ((int64_t)1 << 40) + p->timestamp;
    forget_transits(j, now, now - j->newest_ts);
}

/* Pass over everything before `seq`: what did not come is lost, what is stored is discarded. */
static void pass(sr_jitter *j, int64_t seq)
{
    if (seq - j->next_seq > SR_JITTER_SLOTS) {
        j->stats.lost += (uint64_t)(seq - SR_JITTER_SLOTS - j->next_seq);
        for (int64_t s = j->next_seq; s < seq - SR_JITTER_SLOTS && s <= j->newest_seq; s++) {
            sr_jitter_entry *e = entry_of(j, s);
            if (e->seq == s && e->state != VACANT) {
                j->stats.lost--;
                j->stats.discarded += e->state == STORED;
                release(j, e, RECEIVED);
            }
        }
        j->next_seq = seq - SR_JITTER_SLOTS;
    }
    for (; j->next_seq < seq; j->next_seq++) {
        sr_jitter_entry *e = entry_of(j, j->next_seq);
        if (e->seq != j->next_seq || e->state == VACANT) {
            j->stats.lost++;
        } else if (e->state == STORED) {
            j->stats.discarded++;
            release(j, e, RECEIVED);
        }
    }
}

/* Does this packet begin a new stream (RFC 3550 A.1)? 1 yes, 0 no, -1 not sure: drop it, the next one will tell. */
static int begins(sr_jitter *j, int64_t now, const sr_jitter_packet *p, int step, int64_t ts)
{
    if (!j->started)
        return 1;
    if (p->ssrc != j->ssrc)
        return 1;
    if (step > MAX_DROPOUT || step < -MAX_MISORDER) {
        if (p->seq == j->odd_seq)
            return 1;
        j->odd_seq = (uint16_t)(p->seq + 1);
        return -1;
    }
    j->odd_seq = -1;
    if (step == 1 && p->kind == SR_JITTER_AUDIO && ts < j->newest_ts)
        return 1; /* the next in sequence lies back in time: the far end switched its source */
    int64_t off = now - ts - j->base, second = j->clock_rate_hz;
    if (off > -second && off < j->max_delay + second) {
        j->odd_transit = NEVER;
        return 0;
    }
    if (step == 1 && (off < 0 || p->marker))
        return 1;
    int64_t apart = now - ts - j->odd_transit;
    j->odd_transit = now - ts;
    if (apart > -second / 100 && apart < second / 100)
        return 1; /* twice the same strange transit; a stalled network's burst would come closer by a packet each */
    return off < 0 ? -1 : 0;
}

enum sr_jitter_pushed sr_jitter_push(sr_jitter *j, int64_t now_ns, const sr_jitter_packet *p)
{
    int64_t now = ticks_of(j, now_ns);
    int step = (int16_t)(uint16_t)(p->seq - (uint16_t)j->newest_seq);
    int64_t ts = j->newest_ts + (int32_t)(p->timestamp - (uint32_t)j->newest_ts);
    enum sr_jitter_pushed done = SR_JITTER_STORED;

    j->stats.received++;
    if (p->bytes > SR_JITTER_PACKET_MAX) {
        j->stats.dropped++;
        return SR_JITTER_DROPPED;
    }
    int begin = begins(j, now, p, step, ts);
    if (begin < 0) {
        j->stats.dropped++;
        return SR_JITTER_DROPPED;
    }
    if (begin) {
        j->stats.restarts += j->started;
        done = j->started ? SR_JITTER_RESTARTED : SR_JITTER_STORED;
        restart(j, now, p);
        step = 0;
        ts = j->newest_ts;
    }

    int64_t seq = j->newest_seq + step;
    sr_jitter_entry *e = entry_of(j, seq);
    if (e->seq == seq && (e->state != VACANT)) {
        j->stats.duplicate++;
        return SR_JITTER_DUPLICATE;
    }
    if (p->kind != SR_JITTER_OTHER)
        learn(j, now, now - ts, p->duration);
    if (step > 0) {
        j->newest_seq = seq;
        j->newest_ts = ts;
    }
    if (seq < j->next_seq) {
        if (!j->fresh || j->next_seq - seq > SR_JITTER_SLOTS / 2) {
            if (j->next_seq - seq <= SR_JITTER_SLOTS) {
                e->seq = seq;
                e->state = RECEIVED; /* so that a copy of it is a duplicate */
            }
            j->stats.late++;
            return SR_JITTER_LATE;
        }
        j->next_seq = seq;
    }
    if (seq - j->next_seq >= SR_JITTER_SLOTS) {
        pass(j, seq - SR_JITTER_SLOTS + 1);
        j->waiting = 1;
    }
    e->seq = seq;
    if (p->kind == SR_JITTER_OTHER) {
        e->state = RECEIVED;
        return done;
    }
    int64_t length = p->duration ? p->duration : 1; /* a description of noise comes in time at the tick that is next */
    if (!j->waiting && ts + length <= j->play_ts) {
        e->state = RECEIVED;
        j->stats.late++;
        return SR_JITTER_LATE;
    }
    j->stats.reordered += step < 0;
    e->state = STORED;
    e->slot = j->free_slots[--j->free_count];
    j->meta[e->slot] = (sr_jitter_meta){ts, p->duration, p->bytes, p->payload_type, p->marker, p->kind};
    memcpy(j->payload[e->slot], p->payload, p->bytes);
    return done;
}

/* ---- playing ---- */

static enum sr_jitter_verdict nothing(sr_jitter_packet *out, enum sr_jitter_verdict verdict, int64_t duration)
{
    memset(out, 0, sizeof *out);
    out->duration = (uint32_t)duration;
    return verdict;
}

static enum sr_jitter_verdict wait_for_spurt(const sr_jitter *j, sr_jitter_packet *out, uint32_t want)
{
    return nothing(out, j->dtx ? SR_JITTER_DTX : SR_JITTER_EMPTY, want);
}

/* Nothing is stored: conceal, and let the delay grow by it; after a while the spurt counts as over. */
static enum sr_jitter_verdict underflow(sr_jitter *j, sr_jitter_packet *out, uint32_t want)
{
    if (!j->waiting) {
        j->stats.empty++;
        j->ahead += want;
        if (j->ahead > ms_of(j, 120)) {
            j->waiting = 1;
            j->dtx = 0;
        }
    }
    return wait_for_spurt(j, out, want);
}

static enum sr_jitter_verdict take(sr_jitter *j, int64_t now, uint32_t queued, uint32_t want, int64_t seq,
                                   sr_jitter_packet *out)
{
    sr_jitter_entry *e = entry_of(j, seq);
    const sr_jitter_meta *m = &j->meta[e->slot];
    enum sr_jitter_verdict verdict = SR_JITTER_NORMAL;
    int64_t pull_delay = now - m->timestamp - j->base;

    *out = (sr_jitter_packet){.payload = j->payload[e->slot], .bytes = m->bytes, .seq = (uint16_t)seq,
                              .timestamp = (uint32_t)m->timestamp, .ssrc = j->ssrc, .duration = m->duration,
                              .payload_type = m->payload_type, .marker = m->marker, .kind = m->kind};
    pass(j, seq);
    release(j, e, PLAYED);
    j->next_seq = seq + 1;
    j->play_ts = m->timestamp + m->duration;
    j->delay = (int32_t)(pull_delay + queued);
    j->stats.spurts += j->waiting;
    j->stats.played++;
    j->ahead = 0;
    j->waiting = j->dtx = j->fresh = 0;
    if (m->kind == SR_JITTER_SID) {
        j->waiting = j->dtx = 1;
        return m->duration ? SR_JITTER_NORMAL : SR_JITTER_DTX;
    }
    /* Packets are pulled at ticks only, so the pull delay moves by whole packets: less than one packet above the
     * aim is as near as it gets. Where a frame takes several of them the last has the least delay, and is what counts. */
    int64_t following = want > m->duration ? want - m->duration : 0;
    if (pull_delay < j->target) {
        verdict = SR_JITTER_EXPAND;
        j->stats.expanded++;
    } else if (pull_delay - following >= j->target + (int64_t)span(j) + j->bin) {
        verdict = SR_JITTER_ACCELERATE;
        j->stats.accelerated++;
    }
    return verdict;
}

enum sr_jitter_verdict sr_jitter_pull(sr_jitter *j, int64_t now_ns, uint32_t queued, uint32_t want,
                                      sr_jitter_packet *out)
{
    int64_t now = ticks_of(j, now_ns);
    int64_t seq = j->next_seq;
    int missing = 0;

    if (!j->started)
        return nothing(out, SR_JITTER_EMPTY, want);
    for (;; seq++) {
        if (seq > j->newest_seq)
            return underflow(j, out, want);
        const sr_jitter_entry *e = entry_of(j, seq);
        if (holds(e, seq, STORED)) {
            int64_t delay = now - j->meta[e->slot].timestamp - j->base;
            if (delay <= j->max_delay + (int64_t)span(j))
                break;
            pass(j, seq + 1); /* over the bound: go on with the first that is not */
            j->waiting = 1;
            missing = 0;
        } else {
            missing += !holds(e, seq, RECEIVED);
        }
    }

    const sr_jitter_meta *m = &j->meta[entry_of(j, seq)->slot];
    int64_t delay = now - m->timestamp - j->base;
    if (!j->waiting) {
        int64_t gap = m->timestamp - j->play_ts;
        if (gap > j->bin && (missing == 0 || gap > (int64_t)missing * span(j) + j->ahead)) {
            j->waiting = j->dtx = 1; /* the timestamps leap further than the missing packets reach: silence */
        } else if (gap > j->ahead) {
            int64_t lost = gap - j->ahead < want ? gap - j->ahead : want;
            j->play_ts += lost;
            return nothing(out, SR_JITTER_LOSS, lost);
        }
    }
    if (j->waiting && delay < j->target)
        return wait_for_spurt(j, out, want);
    if (m->kind == SR_JITTER_SID && m->duration == 0) {
        enum sr_jitter_verdict verdict = take(j, now, queued, want, seq, out);
        out->duration = want;
        return verdict;
    }
    return take(j, now, queued, want, seq, out);
}
