/* SPDX-License-Identifier: Apache-2.0
 *
 * Adaptive jitter buffer of encoded packets: push on arrival, pull by the clock.
 *
 *     network -> sr_jitter_push -> [slots by sequence number] -> sr_jitter_pull -> decoder, concealment, time scaling
 *
 * The buffer keeps no audio clock of its own. It knows the fastest transit of the last seconds (`base`), and how much
 * later than that the packets come (a fading histogram); the delay it aims at is the point that all but 1 packet in 128
 * have reached. Where playing lies beside that aim it asks for a pitch period more or less ("expand", "accelerate"),
 * and at the start of a talk spurt it simply waits. All times inside are ticks of the RTP clock.
 *
 * Plain memory, one owner, no allocation, no locks. Terms: RFC 3550; A.1 for the limits of sequence jumps.
 */
#ifndef SWITCHROOM_JITTER_H
#define SWITCHROOM_JITTER_H

#include <stdint.h>

#define SR_JITTER_SLOTS 64 /* a power of two: 0.64 s of 10 ms packets, 1.28 s of 20 ms */
#define SR_JITTER_PACKET_MAX 1472
#define SR_JITTER_BINS 128 /* of 5 ms: delays to 0.64 s */
#define SR_JITTER_WINDOWS 8 /* of 1 s: how long the fastest transit is remembered */

enum sr_jitter_kind {
    SR_JITTER_AUDIO = 0,
    SR_JITTER_SID = 1,   /* silence descriptor: the far end stops sending after it (RFC 3389, G.729 Annex B) */
    SR_JITTER_OTHER = 2, /* shares the sequence numbers but is no audio (RFC 4733): only marks them as received */
};

typedef struct sr_jitter_packet {
    const uint8_t *payload; /* pulled: valid until the next push or pull */
    uint16_t bytes;
    uint16_t seq;
    uint32_t timestamp;
    uint32_t ssrc;
    uint32_t duration; /* ticks that the payload stands for; pulled without a payload: ticks to make */
    uint8_t payload_type;
    uint8_t marker;
    uint8_t kind; /* sr_jitter_kind */
} sr_jitter_packet;

enum sr_jitter_pushed {
    SR_JITTER_STORED = 0,
    SR_JITTER_LATE,
    SR_JITTER_DUPLICATE,
    SR_JITTER_DROPPED, /* oversize, or outside the window of sequence numbers and not yet confirmed */
    SR_JITTER_RESTARTED, /* stored as the first of a new stream */
};

enum sr_jitter_verdict {
    SR_JITTER_NORMAL = 0, /* decode the payload */
    SR_JITTER_ACCELERATE, /* decode the payload, and take a pitch period out */
    SR_JITTER_EXPAND,     /* decode the payload, and put a pitch period in */
    SR_JITTER_LOSS,       /* conceal `duration` ticks: the packet is missing */
    SR_JITTER_DTX,        /* comfort noise for `duration` ticks; a payload, if any, is a new silence descriptor */
    SR_JITTER_EMPTY,      /* conceal `duration` ticks: nothing has come yet */
};

typedef struct sr_jitter_stats {
    uint64_t received;    /* everything pushed */
    uint64_t played;
    uint64_t lost;        /* sequence numbers passed without a packet, those that came late among them */
    uint64_t late;        /* came after their turn */
    uint64_t duplicate;
    uint64_t reordered;   /* came after a later one, yet in time */
    uint64_t discarded;   /* stored but not played: the delay was over its bound, or the buffer full */
    uint64_t dropped;     /* refused at the door */
    uint64_t restarts;
    uint64_t accelerated; /* requests made */
    uint64_t expanded;
    uint64_t empty;       /* pulls that found nothing while a talk spurt was on */
    uint64_t spurts;      /* talk spurts begun */
} sr_jitter_stats;

typedef struct sr_jitter_entry {
    int64_t seq;
    uint8_t state;
    uint8_t slot;
} sr_jitter_entry;

typedef struct sr_jitter_meta {
    int64_t timestamp;
    uint32_t duration;
    uint16_t bytes;
    uint8_t payload_type;
    uint8_t marker;
    uint8_t kind;
} sr_jitter_meta;

typedef struct sr_jitter {
    uint32_t clock_rate_hz;
    int32_t min_delay; /* ticks */
    int32_t max_delay;
    int32_t bin;       /* ticks in a bin of the histogram */

    uint8_t started;   /* a packet has come */
    uint8_t waiting;   /* between talk spurts: the next packet may choose its time */
    uint8_t dtx;       /* ... because the far end is silent, not because packets fail to come */
    uint8_t fresh;     /* nothing played since the restart: an earlier packet may still become the first */

    uint32_t ssrc;
    int64_t next_seq;   /* extended: the next to play */
    int64_t newest_seq;
    int64_t newest_ts;  /* extended */
    int64_t play_ts;    /* the next tick to play; meaningless while waiting */
    int64_t ahead;      /* ticks concealed for want of a packet, not yet taken from the stream */
    int32_t odd_seq;    /* the next of a sequence that may be a restart; -1 for none */
    int64_t odd_transit;

    int64_t base;       /* floor of the fastest transit of the last windows, in whole bins from its first value */
    int64_t window_end;
    int64_t window_min[SR_JITTER_WINDOWS];
    uint32_t window_span[2]; /* the longest packet of this window and the last */
    uint32_t window;

    uint32_t weight;    /* of the next packet in the histogram: grows, so that the older ones fade */
    uint64_t total;
    uint32_t histogram[SR_JITTER_BINS];
    int32_t target;     /* the delay aimed at, ticks */
    int32_t delay;      /* of the last packet played, ticks above `base` */

    sr_jitter_stats stats;
    uint32_t free_count;
    uint8_t free_slots[SR_JITTER_SLOTS];
    sr_jitter_entry ring[SR_JITTER_SLOTS];
    sr_jitter_meta meta[SR_JITTER_SLOTS];
    uint8_t payload[SR_JITTER_SLOTS][SR_JITTER_PACKET_MAX];
} sr_jitter;

/* A buffer for a stream of this RTP clock whose delay stays between the bounds (see sr_jitter_bounds). */
void sr_jitter_init(sr_jitter *j, uint32_t clock_rate_hz, uint32_t min_delay_ms, uint32_t max_delay_ms);

/* New bounds, at any time. They count from the fastest transit seen; above the upper one packets are discarded. */
void sr_jitter_bounds(sr_jitter *j, uint32_t min_delay_ms, uint32_t max_delay_ms);

/* A packet has come; the payload is copied. `now_ns` never goes back. */
enum sr_jitter_pushed sr_jitter_push(sr_jitter *j, int64_t now_ns, const sr_jitter_packet *packet);

/* What to play next. `queued`: ticks decoded already and not yet played; `want`: ticks still missing from this frame
 * (without a payload, no more than that is asked for). Call again until the frame is full. */
enum sr_jitter_verdict sr_jitter_pull(sr_jitter *j, int64_t now_ns, uint32_t queued, uint32_t want,
                                      sr_jitter_packet *packet);

/* Forget the stream, keep what was learnt of the network. */
void sr_jitter_flush(sr_jitter *j);

#endif
