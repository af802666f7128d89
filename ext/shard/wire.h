/* SPDX-License-Identifier: Apache-2.0
 *
 * The records that pass between Python and the media plane over a SOCK_SEQPACKET pair.
 *
 * One record has a fixed size; a message carries one or more whole records. Commands go down and are answered (SR_ANSWER,
 * same cookie) when their cookie is not 0; facts come up with a number that rises by one. media/wire.py has the same
 * layout. The numbers are in the machine's byte order: both ends are on one machine.
 */
#ifndef SWITCHROOM_WIRE_H
#define SWITCHROOM_WIRE_H

#include <stdint.h>

#define SR_WIRE_VERSION 2
#define SR_RECORD_BYTES 128
#define SR_BATCH_RECORDS 32      /* the most records of one message */
#define SR_TAG_BYTES 48
#define SR_CODED_MULTIPLE_MS 300 /* of encoded prompts: of all packet lengths */
#define SR_MAX_CODECS 16
#define SR_MAX_RECEIVED_TYPES 12 /* payload types for audio that one leg may receive */

enum sr_op {
    SR_HELLO = 1,     /* leg: number of the shard; other: SR_WIRE_VERSION. Answered with a descriptor: the statistics
                         (stats.h); body: text, names and rates of the codecs */
    SR_OPEN,          /* a new leg; the answer has its handle and the RTP port */
    SR_CONFIGURE,     /* body: configure */
    SR_CONFIRM,       /* the call is answered: symmetric RTP no longer follows anyone (latch.h) */
    SR_CLOSE,
    SR_BRIDGE,        /* leg and other hear each other; replaces former bridges of both */
    SR_UNBRIDGE,      /* undoes the bridge of leg, on both sides */
    SR_ECHO,          /* other: 1 sends back what the leg receives, 0 stops that */
    SR_PLAY,          /* other: slot of the prompt; body: play */
    SR_TONE,          /* body: tone */
    SR_STOP,          /* ends what is played */
    SR_LOAD,          /* other: slot; body: prompt. The message carries the descriptor of sealed memory, and nothing else */
    SR_UNLOAD,        /* other: slot; memory is freed when nobody plays it any more */
    SR_HOLD_MUSIC,    /* other: slot of the prompt that held parties hear */
    SR_SHUTDOWN,
    SR_JOIN,          /* other: number of the room; body: join. Ends a former room of the leg, and a bridge unless told */
    SR_LEAVE,
    SR_GAIN,          /* other: gain of the leg in the common mix, in 1/256 */
    SR_HEARS,         /* leg: a listener; other: a speaker; body: hears */
    SR_DETECT,        /* other: enum sr_detect */
    SR_RECORD,        /* body: record. The message carries the descriptor of an empty file, and nothing else */
    SR_RECORD_PAUSE,  /* other: 1 pauses, 0 goes on; the pause is a marked silence in the file */
    SR_RECORD_STOP,
    SR_ROOM_TONE,     /* other: number of the room; body: tone, which all in the room hear */
    SR_ROOM_RECORD,   /* other: number of the room; body: record, mono. The message carries a descriptor as SR_RECORD's */
    SR_ROOM_RECORD_PAUSE, /* other: number of the room; body: pause */
    SR_ROOM_RECORD_STOP,  /* other: number of the room */
    SR_PLAY_PAUSE,    /* other: 1 holds what is played where it is, 0 goes on */
    SR_PLAY_SEEK,     /* body: seek */
    SR_RECORD_AHEAD,  /* body: ahead. What the next SR_RECORD of the same format begins with */
    SR_EAR,           /* other: 1 for what the remote says. The message carries the end of a socket that gets each frame of
                         20 ms at 8 kHz; one that is slow misses some. Replaces the former one, without a descriptor ends it */

    SR_SECURE = 48,   /* body: secure; with SR_PLAIN the leg is no longer encrypted */
    SR_KEYS_SEND,     /* body: keys, pressed towards the remote after those that wait */
    SR_KEYS_DROP,     /* those that wait are not pressed any more; the one that is down comes to its end */
    SR_DELAY,         /* body: delay, the bounds of the jitter buffer */
    SR_DEPART = 56,   /* the leg leaves this shard; the answer's body: departed */
    SR_ARRIVE,        /* body: arrive. Takes in a leg that departed; the answer has its new handle */
    SR_TAG,           /* body: text, by which a later server knows the leg (a media process outlives its servers) */
    SR_LIST,          /* other: first slot. SR_LISTED for the legs of SR_LIST_SLOTS slots, then the answer */

    SR_ANSWER = 128,  /* other: enum sr_error */
    SR_TIMED_OUT,     /* no RTP for the configured time */
    SR_RESUMED,       /* RTP is back */
    SR_DIGIT,         /* body: digit */
    SR_PLAYED,        /* other: the play's number; body: played */
    SR_LATCHED,       /* body: address; RTP now goes to where it came from */
    SR_FACTS_LOST,    /* other: how many facts had no room since the last one */
    SR_RECORDED,      /* other: the recording's number; body: recorded. The file is whole */
    SR_SPEAKING,      /* other: 1 when the leg begins to speak in its room, 0 when it has ended */
    SR_LISTED = 160,  /* other: handle of the leg that it is bridged to, 0 for none; body: listed */
};

enum sr_error {
    SR_OK = 0,
    SR_NO_LEG,        /* the handle is stale or was never one */
    SR_NO_ROOM,       /* as many legs as configured are open, or parties in the conference */
    SR_NO_PORT,       /* no port of the range is free */
    SR_BAD_RECORD,    /* a value out of range */
    SR_NO_PROMPT,     /* nothing loaded in this slot */
    SR_BUSY,          /* a recording of this leg runs already */
    SR_SYSTEM,        /* a system call failed; body: error_number */
};

enum sr_media_flags {
    SR_SENDS = 1,     /* the remote may be sent to */
    SR_RECEIVES = 2,  /* the remote is to send: its silence is told */
    SR_HELD = 4,      /* the remote holds us: whoever is bridged to it hears the hold music */
    SR_MUX = 8,       /* RTP and RTCP share a port (RFC 5761) */
    SR_REACHABLE = 16, /* the remote address is one: RTCP may go there */
    SR_XR = 32        /* both sides agreed on extended reports (RFC 3611) */
};

enum sr_suite {
    SR_PLAIN = 0, SR_AES_CM_128_HMAC_SHA1_80, SR_AES_CM_128_HMAC_SHA1_32, SR_AEAD_AES_128_GCM, SR_AEAD_AES_256_GCM
};

enum sr_detect {
    SR_DETECT_DIGITS = 1, /* in the audio, for remotes that have no telephone-event */
    SR_DETECT_MUTE = 2,   /* keep digits out of the recording */
    SR_DETECT_KEEP = 4    /* keep digits, as tones and as events, from those who hear the leg */
};

enum sr_loop {
    SR_ONCE = 0, SR_LOOP,
    SR_LOOP_SHARED    /* at the place where all who hear it are, as music on hold */
};

enum sr_played { SR_FINISHED = 0, SR_STOPPED, SR_REPLACED, SR_CLOSED, SR_FAILED };

#define SR_COMMON_GAIN 0xffff
#define SR_NO_TYPE 255           /* stands for an absent payload type */

typedef struct sr_wire_address {
    uint16_t family;             /* AF_INET or AF_INET6; 0 for none */
    uint16_t port;
    uint8_t ip[16];              /* network order; IPv4 in the first four */
} sr_wire_address;

typedef struct sr_configure {
    sr_wire_address rtp, rtcp;   /* where the remote said that it receives */
    uint32_t event_clock_hz;     /* of telephone-event */
    uint8_t flags;               /* enum sr_media_flags */
    uint8_t ptime_ms;            /* of what we send: 10, 20 .. 60 */
    uint8_t send_type, send_codec;
    uint8_t send_event_type, receive_event_type;
    uint8_t receive_count, noise_type; /* noise_type: RFC 3389 comfort noise received, SR_NO_TYPE for none */
    uint8_t receive_type[SR_MAX_RECEIVED_TYPES], receive_codec[SR_MAX_RECEIVED_TYPES];
    uint8_t send_noise_type;     /* comfort noise in place of silence, SR_NO_TYPE: silence is sent as audio */
    uint8_t unused[3];
} sr_configure;

#define SR_KEY_BYTES 46          /* master key and salt of the longest suite */
typedef struct sr_secure {
    uint8_t suite;               /* enum sr_suite */
    uint8_t receive_key[SR_KEY_BYTES], send_key[SR_KEY_BYTES]; /* key and salt in one, as RFC 4568 carries them */
} sr_secure;

#define SR_KEYS 32
typedef struct sr_keys {
    uint16_t on_ms, off_ms;      /* 40 at least, each */
    uint8_t count;
    char digits[SR_KEYS];        /* 0-9 * # A-D; a space is a pause of on_ms and off_ms */
} sr_keys;

#define SR_TONE_STEPS 4
typedef struct sr_tone_spec {
    uint32_t play, total_ms;     /* total_ms 0: until stopped */
    float level_dbm0;            /* of each sine; a full-scale sine is +3.14 dBm0 */
    float first_hz[SR_TONE_STEPS], second_hz[SR_TONE_STEPS]; /* 0 for none */
    uint16_t on_ms[SR_TONE_STEPS], off_ms[SR_TONE_STEPS];    /* all steps are gone through again and again */
    uint32_t steps;
} sr_tone_spec;

#define SR_LIST_SLOTS 256
typedef struct sr_listed {
    sr_wire_address source;      /* where RTP comes from and goes to */
    int32_t silent_ms;           /* since the last packet; -1: none yet */
    uint16_t port;
    uint16_t room;               /* its number + 1; 0: in none */
    uint8_t feed, send_codec;    /* as in stats.h */
    uint8_t configured, confirmed, recorded, unused[3];
    char tag[SR_TAG_BYTES];
} sr_listed;

typedef struct sr_departed {
    uint64_t parcel;             /* by which another shard gets the leg */
    uint32_t play, position;     /* the prompt that was played, and how far, in samples; 0 for none */
} sr_departed;

typedef struct sr_record {
    uint16_t op, flags;
    uint32_t cookie;
    uint32_t leg, other;
    uint64_t number;
    union {
        sr_configure configure;
        sr_secure secure;
        sr_keys keys;
        struct { uint16_t min_ms, max_ms; } delay;
        sr_tone_spec tone;
        sr_wire_address address;
        struct { uint32_t play, loop, start, gain; } play; /* loop: enum sr_loop; start: in samples; gain: in 1/256, 0: as it is */
        struct { int32_t ms, relative; } seek;
        struct { uint32_t ms, rate_hz, channels; } ahead; /* ms 0: no more */
        sr_departed departed;
        sr_listed listed;
        char text[SR_RECORD_BYTES - 24];
        struct { uint64_t parcel; } arrive;
        struct { uint32_t samples, rate_hz, codec, bytes; } prompt; /* codec 0: PCM; else number + 1 of the codec in
                                              which the slot's prompt comes too, with silence up to a whole 300 ms */
        struct { uint32_t reason; } played;
        struct { uint32_t top, gain, over_bridge; } join; /* top: only so many of the loudest are heard, 0 for all;
                                              over_bridge 1: the bridge stays, and is heard again after SR_LEAVE */
        struct { uint32_t paused; } pause;
        struct { uint32_t gain; } hears;     /* in 1/256, in place of the common one; SR_COMMON_GAIN: no more */
        struct { uint32_t duration_ms; uint8_t digit, in_band; } digit;
        struct { uint16_t port; } opened;
        struct { uint32_t number, rate_hz, channels; } record;
        struct { uint64_t frames, lost; int32_t error_number; } recorded;
        struct { int32_t error_number; } system;
        uint8_t room[SR_RECORD_BYTES - 24];
    } body;
} sr_record;

_Static_assert(sizeof(sr_record) == SR_RECORD_BYTES, "the record has a fixed size");
_Static_assert(sizeof(sr_configure) == 80 && sizeof(sr_tone_spec) == 64
                   && sizeof(sr_secure) == 93, "media/wire.py counts on these layouts");

#endif
