/* SPDX-License-Identifier: Apache-2.0
 *
 * Crash-safe recordings. The tick puts frames into a ring and never waits; a writer thread drains the rings of all
 * recordings into append-only files of 1-second segments:
 *
 *     tick: sr_recording_put, _pause -> [ring, one producer, one consumer] -> writer: sr_recording_drain -> file
 *
 * Each segment is one write(2) of a header with the place of its first frame in the recording, and a CRC over all of it.
 * A process killed at any moment leaves whole segments and perhaps a torn one at the end, which readers leave out.
 * Frames that could not be kept (ring full, disk full) are counted; the place in the next header shows the hole, so the
 * length stays right. Little-endian; the caller owns all memory.
 */
#ifndef SWITCHROOM_SEGMENT_H
#define SWITCHROOM_SEGMENT_H

#include <stdatomic.h>
#include <stdint.h>

#define SR_SEGMENT_MAGIC 0x47535253u /* "SRSG" */
#define SR_SEGMENT_VERSION 1
#define SR_SEGMENT_FRAMES_MAX (30u * 48000u * 3600u) /* of one pause mark: a sane bound for readers */

enum sr_segment_kind {
    SR_SEGMENT_AUDIO = 0,
    SR_SEGMENT_PAUSE = 1, /* asked for: `frames` of silence without payload */
    SR_SEGMENT_LOST = 2,  /* at the end: so many frames could not be kept, and nothing came after them */
};

typedef struct sr_segment_header {
    uint32_t magic;
    uint8_t version;
    uint8_t kind;
    uint8_t channels;
    uint8_t reserved;
    uint32_t rate_hz;
    uint32_t sequence;    /* of the segment in its file */
    uint64_t first_frame; /* its place in the recording */
    uint32_t frames;
    uint32_t crc;         /* CRC-32 (as in zlib) of the header up to here and of the payload */
} sr_segment_header;

typedef struct sr_recording {
    /* The ring: positions only grow; each is written by one side. */
    uint8_t *ring;
    uint32_t ring_size;            /* bytes, a power of two */
    _Alignas(64) _Atomic uint64_t written;
    uint64_t skipped;              /* frames refused since the last accepted: the producer's */
    _Atomic uint64_t ring_lost;    /* frames that found the ring full */
    _Alignas(64) _Atomic uint64_t read;

    /* The writer's. */
    int fd;
    uint32_t rate_hz;
    uint32_t channels;
    uint8_t *segment;              /* header and up to a second of PCM */
    uint32_t filled;               /* frames in it */
    uint32_t sequence;
    uint64_t frame;                /* place of the next frame in the recording */
    uint64_t placed;               /* where the last segment in the file ends */
    uint64_t good_bytes;           /* length of the file up to the last whole segment */
    _Atomic uint64_t disk_lost;    /* frames that the disk did not take */
    _Atomic uint64_t errors;
    _Atomic int last_errno;
    _Atomic uint64_t slowest_ns;   /* the longest write(2) */
} sr_recording;

/* Bytes of the segment buffer for this format. */
#define SR_SEGMENT_BYTES(rate_hz, channels) (sizeof(sr_segment_header) + (rate_hz) * (channels) * 2u)

/* A new recording onto `fd`, whose file is empty. `ring_size` is a power of two. */
void sr_recording_init(sr_recording *r, int fd, uint32_t rate_hz, uint32_t channels, uint8_t *ring, uint32_t ring_size,
                       uint8_t *segment);

/* Tick: `frames` of interleaved PCM; returns 0, or -1 when the ring is full (counted). Never waits. */
int sr_recording_put(sr_recording *r, const int16_t *pcm, uint32_t frames);

/* Tick, before there is a file and a writer: forgets the oldest until at most `bytes` wait in the ring with `frames` more;
 * returns how many frames were forgotten. */
uint32_t sr_recording_forget(sr_recording *r, uint32_t bytes, uint32_t frames);

/* Tick: the recording is paused for this long: a marked silence. */
int sr_recording_pause(sr_recording *r, uint32_t frames);

/* Writer: everything in the ring; all but the newest part of a second goes to the file. Returns 0, or an errno of the last
 * failed write. */
int sr_recording_drain(sr_recording *r);

/* Writer: drain, and write the second begun. The file stays open. */
int sr_recording_finish(sr_recording *r);

#endif
