/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/segment.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FULL_PERCENT 90 /* of a second; until the writer looks again it must not be over, or a kill costs more than one */

typedef struct message { /* in the ring, followed by PCM when it is audio */
    uint32_t kind;
    uint32_t frames;
    uint64_t skipped; /* frames lost before it */
} message;

static uint32_t crc_table[4][256]; /* filled once, when the library is loaded */

__attribute__((constructor)) static void fill_crc_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
        crc_table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 4; t++)
            crc_table[t][i] = crc_table[t - 1][i] >> 8 ^ crc_table[0][crc_table[t - 1][i] & 255];
}

static uint32_t crc32_of(uint32_t crc, const uint8_t *data, size_t bytes)
{
    crc = ~crc;
    for (; bytes >= 4; bytes -= 4, data += 4) {
        uint32_t word;
        memcpy(&word, data, 4);
        crc ^= word;
        crc = crc_table[3][crc & 255] ^ crc_table[2][crc >> 8 & 255] ^ crc_table[1][crc >> 16 & 255] ^
              crc_table[0][crc >> 24];
    }
    while (bytes--)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *data++) & 255];
    return ~crc;
}

void sr_recording_init(sr_recording *r, int fd, uint32_t rate_hz, uint32_t channels, uint8_t *ring, uint32_t ring_size,
                       uint8_t *segment)
{
    memset(r, 0, sizeof *r);
    r->fd = fd;
    r->rate_hz = rate_hz;
    r->channels = channels;
    r->ring = ring;
    r->ring_size = ring_size;
    r->segment = segment;
}

/* ---- the tick's side ---- */

static void copy_in(sr_recording *r, uint64_t at, const void *data, uint32_t bytes)
{
    uint32_t from = (uint32_t)at & (r->ring_size - 1), first = r->ring_size - from;
    first = first < bytes ? first : bytes;
    memcpy(r->ring + from, data, first);
    memcpy(r->ring, (const uint8_t *)data + first, bytes - first);
}

static int put(sr_recording *r, uint32_t kind, const int16_t *pcm, uint32_t frames)
{
    uint32_t bytes = pcm ? frames * r->channels * 2 : 0;
    uint64_t at = atomic_load_explicit(&r->written, memory_order_relaxed);
    uint64_t used = at - atomic_load_explicit(&r->read, memory_order_acquire);
    if (r->ring_size - used < sizeof(message) + (uint64_t)bytes) {
        r->skipped += frames;
        atomic_fetch_add_explicit(&r->ring_lost, frames, memory_order_relaxed);
        return -1;
    }
    message m = {kind, frames, r->skipped};
    r->skipped = 0;
    copy_in(r, at, &m, sizeof m);
    if (bytes)
        copy_in(r, at + sizeof m, pcm, bytes);
    atomic_store_explicit(&r->written, at + sizeof m + bytes, memory_order_release);
    return 0;
}

static void copy_out(const sr_recording *r, uint64_t at, void *data, uint32_t bytes);

uint32_t sr_recording_forget(sr_recording *r, uint32_t bytes, uint32_t frames)
{
    uint64_t at = atomic_load_explicit(&r->read, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&r->written, memory_order_relaxed);
    uint64_t more = sizeof(message) + (uint64_t)frames * r->channels * 2;
    uint32_t forgotten = 0;
    while (at < end && end - at + more > bytes) {
        message m;
        copy_out(r, at, &m, sizeof m);
        at += sizeof m + (m.kind == SR_SEGMENT_AUDIO ? (uint64_t)m.frames * r->channels * 2 : 0);
        forgotten += m.frames;
    }
    atomic_store_explicit(&r->read, at, memory_order_relaxed);
    return forgotten;
}

int sr_recording_put(sr_recording *r, const int16_t *pcm, uint32_t frames)
{
    return put(r, SR_SEGMENT_AUDIO, pcm, frames);
}

int sr_recording_pause(sr_recording *r, uint32_t frames)
{
    return put(r, SR_SEGMENT_PAUSE, NULL, frames);
}

/* ---- the writer's side ---- */

static void copy_out(const sr_recording *r, uint64_t at, void *data, uint32_t bytes)
{
    uint32_t from = (uint32_t)at & (r->ring_size - 1), first = r->ring_size - from;
    first = first < bytes ? first : bytes;
    memcpy(data, r->ring + from, first);
    memcpy((uint8_t *)data + first, r->ring, bytes - first);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int write_all(int fd, const uint8_t *data, size_t bytes)
{
    while (bytes) {
        ssize_t n = write(fd, data, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        data += n;
        bytes -= (size_t)n;
    }
    return 0;
}

/* Append one segment, or leave the file as it was. */
static int append(sr_recording *r, uint32_t kind, uint64_t first_frame, uint32_t frames, uint32_t payload)
{
    sr_segment_header h = {SR_SEGMENT_MAGIC, SR_SEGMENT_VERSION, (uint8_t)kind, (uint8_t)r->channels, 0, r->rate_hz,
                           r->sequence, first_frame, frames, 0};
    size_t bytes = sizeof h + payload;
    uint8_t *buffer = r->segment;
    uint8_t mark[sizeof h];
    if (payload == 0)
        buffer = mark; /* the segment may hold audio */
    h.crc = crc32_of(0, (const uint8_t *)&h, offsetof(sr_segment_header, crc));
    h.crc = crc32_of(h.crc, r->segment + sizeof h, payload);
    memcpy(buffer, &h, sizeof h);
    uint64_t start = now_ns();
    int error = write_all(r->fd, buffer, bytes);
    uint64_t took = now_ns() - start;
    if (took > atomic_load_explicit(&r->slowest_ns, memory_order_relaxed))
        atomic_store_explicit(&r->slowest_ns, took, memory_order_relaxed);
    if (error == 0) {
        r->sequence++;
        r->good_bytes += bytes;
        r->placed = first_frame + frames;
        return 0;
    }
    /* Half a segment must not stay before the next whole one; should this fail too, readers skip it by its CRC. */
    if (ftruncate(r->fd, (off_t)r->good_bytes) == 0)
        lseek(r->fd, (off_t)r->good_bytes, SEEK_SET);
    atomic_fetch_add_explicit(&r->errors, 1, memory_order_relaxed);
    atomic_store_explicit(&r->last_errno, error, memory_order_relaxed);
    if (kind == SR_SEGMENT_AUDIO)
        atomic_fetch_add_explicit(&r->disk_lost, frames, memory_order_relaxed);
    return error;
}

static int flush(sr_recording *r)
{
    uint32_t frames = r->filled;
    if (frames == 0)
        return 0;
    r->filled = 0;
    return append(r, SR_SEGMENT_AUDIO, r->frame - frames, frames, frames * r->channels * 2);
}

int sr_recording_drain(sr_recording *r)
{
    int error = 0, failed;
    uint64_t at = atomic_load_explicit(&r->read, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&r->written, memory_order_acquire);
    while (at < end) {
        message m;
        copy_out(r, at, &m, sizeof m);
        at += sizeof m;
        if (m.skipped || m.kind == SR_SEGMENT_PAUSE) {
            failed = flush(r);
            error = failed ? failed : error;
            r->frame += m.skipped;
        }
        if (m.kind == SR_SEGMENT_PAUSE) {
            failed = append(r, SR_SEGMENT_PAUSE, r->frame, m.frames, 0);
            error = failed ? failed : error;
            r->frame += m.frames;
            m.frames = 0;
        }
        while (m.frames) {
            uint32_t n = r->rate_hz - r->filled, size = r->channels * 2;
            n = n < m.frames ? n : m.frames;
            copy_out(r, at, r->segment + sizeof(sr_segment_header) + r->filled * size, n * size);
            at += n * size;
            m.frames -= n;
            r->filled += n;
            r->frame += n;
            if (r->filled == r->rate_hz) {
                failed = flush(r);
                error = failed ? failed : error;
            }
        }
        atomic_store_explicit(&r->read, at, memory_order_release);
    }
    if (r->filled >= r->rate_hz / 100 * FULL_PERCENT && (failed = flush(r)) != 0)
        error = failed;
    return error;
}

int sr_recording_finish(sr_recording *r)
{
    int error = sr_recording_drain(r), failed;
    failed = flush(r);
    error = failed ? failed : error;
    r->frame += r->skipped;
    r->skipped = 0;
    if (r->frame > r->placed) { /* lost at the very end: the mark keeps the length */
        failed = append(r, SR_SEGMENT_LOST, r->placed, (uint32_t)(r->frame - r->placed), 0);
        error = failed ? failed : error;
    }
    return error;
}
