/* SPDX-License-Identifier: Apache-2.0
 *
 * One shard of the media plane: its legs, its clock and its wire. Everything here is touched by one thread only.
 *
 *   socket -> latch -> receiver -> relay to the peer's socket          (on arrival)
 *                               \-> playout -> encoder -> socket       (at the clock, for other needs)
 *   player, hold music, silence ----------------> encoder -> socket        (at the clock)
 *
 * Memory is taken once, in sr_plane_init. leg.c has the path of the packets, commands.c the orders of Python, plane.c the
 * clock, shard.c the thread.
 */
#ifndef SWITCHROOM_PLANE_H
#define SWITCHROOM_PLANE_H

#include "codec_ops.h"
#include "kernels/dtx.h"
#include "kernels/mixer.h"
#include "kernels/playout.h"
#include "kernels/resample.h"
#include "doctor.h"
#include "keypad.h"
#include "latch.h"
#include "net.h"
#include "player.h"
#include "ports.h"
#include "rtcp.h"
#include "rtp.h"
#include "sender.h"
#include "srtp.h"
#include "stats.h"
#include "tap.h"
#include "telephone_event.h"
#include "translate.h"
#include "wire.h"

#define SR_MAX_LEGS 65535
#define SR_MAX_RATES 4
#define SR_MEMORIES 20
#define SR_FACTS 8192           /* that wait for the wire to take them */
#define SR_DATAGRAM_BYTES 2048
#define SR_HEADROOM 16           /* so that a header can be written in front of any payload */
#define SR_MAX_DELAY_MS 400      /* of a jitter buffer, unless bounds are set */
#define SR_MAX_FRAME_SAMPLES 2880 /* 60 ms at 48 kHz */

#define SR_SLOT_NS 5000000LL     /* the clock's grain: legs of a shard are spread over it */
#define SR_SLOT_MS 5
#define SR_WHEEL_SLOTS 16        /* a power of two, longer than the longest packet */
#define SR_REST_SLOTS 8          /* a plane that generates nothing looks after its legs in so long steps */

/* What a payload type of a leg means, beside the index of a codec. */
enum { SR_TYPE_UNKNOWN = 255, SR_TYPE_EVENT = 254, SR_TYPE_NOISE = 253 };

/* What a leg hears. From SR_FEED_PEER on it is generated at the leg's own turn of the clock, in a mix at the room's. */
enum sr_feed {
    SR_FEED_NONE = 0, SR_FEED_RELAY, SR_FEED_ECHO, SR_FEED_MIX, SR_FEED_PEER, SR_FEED_PLAYER, SR_FEED_HOLD, SR_FEED_SILENCE,
    SR_FEED_KEYPAD
};

#define SR_MAX_ROOMS 512         /* of a shard */
#define SR_MAX_OVERRIDES 4       /* gains of single speakers at one listener */
#define SR_MIX_MS 20

typedef struct sr_room {
    struct sr_leg *first;        /* NULL: the room is not in use */
    int count;
    int top;
    sr_player player;            /* entry and leave tones */
    sr_tap *tap;                 /* NULL: nobody has ever recorded it */
    bool orphan;                 /* of a server that is gone: nobody will end its recording */
} sr_room;

typedef struct sr_converter {
    sr_resample *state;
    uint32_t from_hz, to_hz;     /* 0: not set up yet */
} sr_converter;

typedef struct sr_leg {
    uint32_t handle;             /* generation and index; 0 while the slot is free */
    int rtp_fd, rtcp_fd;
    uint16_t port;
    uint8_t flags;               /* enum sr_media_flags */
    bool configured, echo, tapped;
    bool keeps_digits;           /* nobody who hears the leg may hear its digits */
    bool settled;                /* the RTP socket is connected to the source (leg.c) */
    enum sr_feed feed;
    struct sr_leg *peer;         /* the bridge */
    sr_room *room;               /* or the conference */
    struct sr_leg *room_next, **room_link;
    sr_mix_party party;
    int party_index;             /* in the tick that is being mixed */
    bool speaking;
    struct { uint32_t speaker; uint16_t gain; } overrides[SR_MAX_OVERRIDES];
    int override_count;
    uint8_t arriving_codec;      /* of the newest audio packet; at first the one that we send */
    uint8_t send_codec, send_type, send_event_type, receive_event_type, ptime_ms, frame_ms;
    uint8_t send_noise_type;     /* SR_NO_TYPE: silence is sent as audio */
    bool sends_noise;            /* comfort noise has come from it */
    bool rests;                  /* it was the last that came: the remote is in DTX */
    sr_dtx dtx;
    uint32_t event_clock_hz;
    uint8_t meaning[128];        /* of each payload type */

    sr_latch latch;
    sr_rtp_receiver receiver;
    sr_sender sender;
    sr_srtp srtp;
    sr_rtcp rtcp;
    sr_endpoint rtcp_to;
    sr_event_receiver events;
    sr_player player;
    sr_keypad keypad;
    sr_doctor doctor;
    void *encoder, *decoder;
    sr_playout *playout;         /* jitter buffer, decoder and concealment of what arrives */
    uint16_t delay_min_ms, delay_max_ms; /* bounds of the jitter buffer */
    uint8_t playout_codec;       /* for which it is set up; SR_TYPE_UNKNOWN: not at all */
    sr_converter from_remote, to_remote; /* where rates differ */

    uint32_t forwarded_event;    /* timestamp at the source of the event that is passed on into a generated stream */
    uint32_t forwarded_timestamp;
    int64_t forwarding_until_ns;

    int16_t *outgoing;           /* generated samples that wait for a whole packet */
    int outgoing_count;
    uint8_t coded_ms;            /* that a packet of an encoded prompt has been waited for */

    int64_t heard_ns, expected_since_ns, rtcp_due_ns;
    bool heard, timed_out;
    sr_leg_stats counts;         /* the part that is counted here; the rest is filled in when published */

    struct sr_leg *wheel_next, **wheel_link; /* wheel_link NULL: not on the wheel */
    uint32_t wheel_slot;
    uint32_t next_free;
    uint32_t open_at;            /* its place in sr_plane.open */
    char tag[SR_TAG_BYTES];
} sr_leg;

typedef struct sr_plane_config {
    sr_endpoint bind;
    sr_ports *ports;
    uint16_t max_legs, max_prompts;
    int64_t rtp_timeout_ns;
    int64_t gather_ns;           /* so long packets wait for others to be handled with them */
    int traffic_class;
    uint64_t seed;
} sr_plane_config;

typedef struct sr_plane {
    sr_plane_config config;
    sr_net net;
    const sr_codec_ops *codecs[SR_MAX_CODECS];
    uint32_t codec_count;
    size_t encoder_bytes, decoder_bytes; /* of the largest codec states */
    uint32_t rates[SR_MAX_RATES], rate_count; /* of these codecs, each once */
    sr_resample_filter *filters; /* rate_count x rate_count: from, to */
    uint8_t *translations;       /* see translate.h */

    int wire_fd, epoll_fd, timer_fd;
    bool stopping;
    int door[2];                 /* a pipe by which a media process hands over wires; -1: the one wire is all */
    int64_t now_ns, wall_ns;     /* monotonic and wall clock, set at each wake-up */
    uint64_t slot;               /* slots that have been done */
    int64_t first_slot_ns;
    sr_leg *wheel[SR_WHEEL_SLOTS];
    uint32_t wheel_counts[SR_WHEEL_SLOTS];
    uint32_t wheel_legs;         /* how many are on it */
    bool resting;                /* ticks come every SR_REST_SLOTS */
    int64_t timer_due_ns;        /* while it rests: when the next one should come */
    int64_t passed_ns;           /* when a packet was last passed on as it came */

    sr_leg *legs;
    uint32_t free_head, free_tail; /* first in, first out: a slot rests as long as possible */
    uint16_t *open;              /* indices of the counts.open_legs that are open, in no order */
    sr_ports *ports;             /* shared by all shards */
    sr_prompt *prompts;
    sr_tap *taps;                /* one for each leg, then one for each room; memory is touched only when used */
    uint32_t tapped_legs;
    _Atomic int recordings;      /* that are not over and told: without one nobody looks for them */
    _Atomic int ended;           /* tells the writer thread */
    sr_room *rooms;
    int active_rooms;            /* with somebody in them */
    int recorded_rooms;
    sr_mix_party *parties;       /* SR_MIX_PARTIES and the room's player, of the room that is being mixed */
    int16_t *said;               /* SR_MIX_SAMPLES of each of them */
    int32_t *sum;
    uint32_t hold_prompt[SR_MAX_RATES]; /* slot + 1 for each rate; 0: none, held parties hear silence */
    char cname[SR_CNAME_BYTES + 1];
    uint64_t random;

    sr_record *facts;            /* a ring of SR_FACTS */
    uint32_t facts_head, facts_count, facts_lost;
    uint64_t facts_number;

    int stats_fd;
    sr_plane_stats *stats;
    sr_leg_stats *leg_stats;
    sr_plane_stats counts;

    struct { void *start; size_t bytes; } memory[SR_MEMORIES]; /* what sr_plane_free gives back */
    uint8_t datagram[SR_HEADROOM + SR_DATAGRAM_BYTES + SR_SRTP_TAIL_BYTES] __attribute__((aligned(8)));
    int16_t pcm[SR_MAX_FRAME_SAMPLES];
} sr_plane;

/* plane.c: life and clock. Returns NULL, or what went wrong. */
const char *sr_plane_init(sr_plane *plane, const sr_plane_config *config, const sr_net *net, int wire_fd);
/* Closes all legs and lets the writer end. */
void sr_plane_end(sr_plane *plane);
void sr_plane_free(sr_plane *plane);
void sr_plane_clock(sr_plane *plane, int64_t now_ns, int64_t wall_ns);
/* Does all slots that are due; returns the time of the next one. */
int64_t sr_plane_tick(sr_plane *plane);
/* Counts how late the thread came to `slots` slots. sr_plane_tick does it, but not for a plane that rests: its slots wait
 * on purpose, so the thread tells how late the timer's call reached it. */
void sr_plane_note_late(sr_plane *plane, int64_t late_ns, int slots);
/* Whether nothing needs the clock at each slot: no audio is generated, and all that is to be told is told. */
bool sr_plane_may_rest(const sr_plane *plane);
/* Puts a leg with a generated feed on the wheel, takes another off it. */
void sr_plane_schedule(sr_plane *plane, sr_leg *leg);
sr_leg *sr_plane_leg(sr_plane *plane, uint32_t handle);

/* wire.c: records out and in */
void sr_plane_fact(sr_plane *plane, enum sr_op op, const sr_leg *leg, uint32_t other, sr_record *record);
void sr_plane_answer(sr_plane *plane, const sr_record *command, sr_record *answer, enum sr_error error);
void sr_plane_flush(sr_plane *plane);
/* Reads and obeys what is there. Returns false at the end of the file. */
bool sr_plane_read_commands(sr_plane *plane);

/* Takes a new wire; the former one is hung up, and what it was to be answered forgotten. */
void sr_plane_attach(sr_plane *plane, int wire_fd);
void sr_plane_detach(sr_plane *plane);

/* listing.c: what is there, for a server that finds it */
void sr_plane_list(sr_plane *plane, uint32_t first_slot);

/* commands.c */
void sr_leg_unbridge(sr_plane *plane, sr_leg *leg);
void sr_plane_obey(sr_plane *plane, const sr_record *command, int fd);

/* leg.c: the path of packets */
void sr_leg_rtp_ready(sr_plane *plane, sr_leg *leg);
void sr_leg_rtcp_ready(sr_plane *plane, sr_leg *leg);
/* Connects the RTP socket to the source, or frees it. Done while a confirmed leg hears from exactly where the SDP said: the
 * kernel then looks up no route for each packet, and strangers come no further than to it. Silence undoes it, for a NAT
 * may have given the phone a new port. */
void sr_leg_settle(sr_plane *plane, sr_leg *leg, bool settled);
void sr_leg_generate(sr_plane *plane, sr_leg *leg);
/* Sends a packet that has its numbers. */
void sr_leg_send(sr_plane *plane, sr_leg *leg, const sr_rtp *packet);
/* The next `ms` of what the leg's remote says, at `rate_hz`. */
void sr_leg_listen(sr_plane *plane, sr_leg *leg, int16_t *pcm, int ms, uint32_t rate_hz);
/* Sends what has been encoded already. */
void sr_leg_send_payload(sr_plane *plane, sr_leg *leg, const uint8_t *payload, int bytes, uint32_t units);
/* Puts a packet into a jitter buffer. Returns false for a payload that cannot be one of its codec. */
bool sr_leg_buffer(sr_plane *plane, sr_playout *playout, const sr_rtp *packet, uint8_t meaning);
/* Packs and sends generated samples at the rate of the leg's codec. */
void sr_leg_send_pcm(sr_plane *plane, sr_leg *leg, const int16_t *pcm, int samples);
/* Decides what a leg hears; to be called when anything changed that this depends on. */
void sr_leg_choose_feed(sr_plane *plane, sr_leg *leg);

/* convert.c */
/* Changes the rate of one stream; `out` gets exactly the share of `samples`. */
void sr_convert(const sr_plane *plane, sr_converter *converter, const int16_t *in, int samples, uint32_t from_hz,
                int16_t *out, uint32_t to_hz);

/* leg_control.c: opening, closing, reports, limits of time */
enum sr_error sr_leg_open(sr_plane *plane, sr_leg **leg, int *error_number);
void sr_leg_close(sr_plane *plane, sr_leg *leg);
/* A free slot, with its handle and nothing else yet; NULL when all are in use. And back. */
sr_leg *sr_leg_take(sr_plane *plane);
void sr_leg_release(sr_plane *plane, sr_leg *leg);
void sr_leg_end_play(sr_plane *plane, sr_leg *leg, enum sr_played reason);
void sr_leg_report_digits(sr_plane *plane, sr_leg *leg, const sr_digit *digits, int count);
/* Everything that is due now and then rather than per packet. */
void sr_leg_keep(sr_plane *plane, sr_leg *leg);
void sr_leg_publish(sr_plane *plane, sr_leg *leg);

/* leg_move.c: to another shard */
enum sr_error sr_leg_depart(sr_plane *plane, sr_leg *leg, sr_departed *departed);
enum sr_error sr_leg_arrive(sr_plane *plane, uint64_t parcel, sr_leg **arrived);

/* room.c: conferences */
enum sr_error sr_room_join(sr_plane *plane, sr_leg *leg, uint32_t number, int top, uint16_t gain);
void sr_room_leave(sr_plane *plane, sr_leg *leg);
enum sr_error sr_room_override(sr_leg *listener, uint32_t speaker, uint16_t gain);
enum sr_error sr_room_record(sr_plane *plane, uint32_t number, int fd, uint32_t recording, uint32_t rate_hz);
void sr_room_record_pause(sr_plane *plane, uint32_t number, bool paused);
void sr_room_record_stop(sr_plane *plane, uint32_t number);
/* Mixes the rooms whose turn it is. */
void sr_rooms_tick(sr_plane *plane);
/* The server is gone: recordings of rooms end with their last member. */
void sr_rooms_abandon(sr_plane *plane);

/* doctor.c: what the remote says, packet by packet, and what is known of it */
void sr_leg_hear(sr_plane *plane, sr_leg *leg, const sr_rtp *packet, uint8_t meaning);
void sr_leg_publish_doctor(const sr_leg *leg, sr_leg_stats *now);
void sr_leg_report_quality(const sr_leg *leg, sr_xr_local *xr);
/* The next packet begins a new playout; what was counted stays known. */
void sr_leg_drop_playout(sr_leg *leg);

/* keypad.c: one frame of the key that is down */
void sr_leg_press(sr_plane *plane, sr_leg *leg);
/* A telephone event for a leg whose audio is generated here: it takes the place of the audio while it lasts. */
void sr_leg_forward_event(sr_plane *plane, sr_leg *leg, sr_rtp *packet);

/* coded.c: prompts that were encoded once for all. Takes `fd` as it is, and does not close it. */
enum sr_error sr_prompt_code(sr_plane *plane, sr_prompt *prompt, int fd, uint32_t codec, uint32_t samples, uint32_t bytes);
/* One turn of a leg whose prompt or music is there in its codec; false: it is to be encoded. */
bool sr_leg_send_coded(sr_plane *plane, sr_leg *leg);

/* tap.c: recordings, digits in the audio */
void sr_tap_push(sr_plane *plane, sr_leg *leg, const sr_rtp *packet, uint8_t meaning, bool said);
/* Silences what holds a digit. `pcm` is what the leg's remote said, at 8 or 16 kHz; at other rates nothing is done. */
void sr_tap_clean(sr_plane *plane, sr_leg *leg, int16_t *pcm, int samples, uint32_t rate_hz);
void sr_tap_detect(sr_plane *plane, sr_leg *leg, uint8_t wanted);
/* Takes over `fd` when it returns SR_OK. */
enum sr_error sr_tap_record(sr_plane *plane, sr_leg *leg, int fd, uint32_t number, uint32_t rate_hz, uint32_t channels);
/* The same for sound that is mixed already, of a room. `leg` 0: the recording belongs to none. */
enum sr_error sr_tap_start(sr_plane *plane, sr_tap *tap, uint32_t leg, int fd, uint32_t number, uint32_t rate_hz,
                           uint32_t channels);
void sr_tap_mixed(sr_plane *plane, sr_tap *tap, const int16_t *pcm, int ms, uint32_t rate_hz);
/* Returns whether a recording ran. */
bool sr_tap_end(sr_tap *tap);
bool sr_tap_runs(const sr_tap *tap);
static inline uint32_t sr_tap_count(const sr_plane *plane)
{
    return plane->config.max_legs + SR_MAX_ROOMS;
}
/* Keeps the last `ms` of a leg, so that a recording can begin with them; as far as the ring has room. */
enum sr_error sr_tap_ahead(sr_plane *plane, sr_leg *leg, uint32_t ms, uint32_t rate_hz, uint32_t channels);
/* Sends what the remote says to a socket. Takes over `fd` when it returns SR_OK. */
enum sr_error sr_tap_ear(sr_plane *plane, sr_leg *leg, int fd, bool on);
void sr_tap_pause(sr_plane *plane, sr_leg *leg, bool paused);
void sr_tap_stop(sr_plane *plane, sr_leg *leg);
bool sr_tap_is_recording(const sr_plane *plane, const sr_leg *leg);
uint8_t sr_tap_detected(const sr_plane *plane, const sr_leg *leg);
void sr_tap_close(sr_plane *plane, sr_leg *leg);
/* Tells which recordings are whole, of every `step`th tap. */
void sr_taps_keep(sr_plane *plane, uint32_t first, uint32_t step);
void sr_taps_tick(sr_plane *plane);
/* The writer's thread: returns when the plane has ended and all files are whole. */
void *sr_taps_write(void *plane);
/* One round of it. */
void sr_taps_drain(sr_plane *plane);

/* shard.c: the thread. Returns when told to stop, or at the end of the wire. */
int sr_shard_open(sr_plane *plane, bool with_door);
/* From any thread: a new wire for a shard with a door; -1 stops it. Returns 0 or -1. */
int sr_shard_attach(sr_plane *plane, int wire_fd);
void sr_shard_run(sr_plane *plane);
int sr_shard_watch(sr_plane *plane, int fd, uint64_t data);
void sr_shard_unwatch(sr_plane *plane, int fd);

/* How packets of codec `meaning` become packets for `leg`, byte by byte; NULL: not that way, or no need. */
static inline const uint8_t *sr_leg_translation(const sr_plane *plane, uint8_t meaning, const sr_leg *leg)
{
    if (meaning >= plane->codec_count)
        return NULL;
    return sr_translation(plane->translations, plane->codec_count, meaning, leg->send_codec);
}

static inline const sr_codec_ops *sr_send_codec(const sr_plane *plane, const sr_leg *leg)
{
    return plane->codecs[leg->send_codec];
}

#endif
