/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "plane.h"
#include "random.h"

#define DRAIN_EVERY_NS 50000000
#define FRAME_MAX (SR_TAP_MAX_RATE_HZ / 1000 * SR_TAP_MS)

static sr_tap *tap_of(const sr_plane *plane, const sr_leg *leg)
{
    return &plane->taps[leg - plane->legs];
}

static bool is_recording(const sr_tap *tap)
{
    return atomic_load_explicit(&tap->state, memory_order_acquire) == SR_RECORDING_RUNS;
}

/* Is there a ring to fill? */
static bool keeps(const sr_tap *tap)
{
    int state = atomic_load_explicit(&tap->state, memory_order_acquire);
    return state == SR_RECORDING_RUNS || state == SR_RECORDING_AHEAD;
}

bool sr_tap_is_recording(const sr_plane *plane, const sr_leg *leg)
{
    return is_recording(tap_of(plane, leg));
}

uint8_t sr_tap_detected(const sr_plane *plane, const sr_leg *leg)
{
    return tap_of(plane, leg)->detect;
}

static void set_tapped(sr_plane *plane, sr_leg *leg, bool tapped)
{
    plane->tapped_legs += (uint32_t)tapped - (uint32_t)leg->tapped;
    leg->tapped = tapped;
}

/* Sets up what is not there yet, and takes away what nobody needs any more. */
static void adjust(sr_plane *plane, sr_leg *leg)
{
    sr_tap *tap = tap_of(plane, leg);
    bool needed = (tap->detect & SR_DETECT_DIGITS) != 0 || tap->ear_fd != 0 || keeps(tap);
    if (needed && !leg->tapped) {
        tap->said.codec = tap->heard.codec = SR_TYPE_UNKNOWN;
        tap->said.from_hz = tap->heard.from_hz = 0;
        if (!keeps(tap))
            tap->rate_hz = 8000;
        sr_dtmf_init(&tap->dtmf, tap->rate_hz);
    }
    set_tapped(plane, leg, needed);
}

void sr_tap_push(sr_plane *plane, sr_leg *leg, const sr_rtp *packet, uint8_t meaning, bool said)
{
    sr_tap *tap = tap_of(plane, leg);
    sr_tap_side *side = said ? &tap->said : &tap->heard;
    if (!said && !keeps(tap))
        return;
    if (meaning < SR_MAX_CODECS && side->codec != meaning) {
        side->codec = meaning;
        sr_playout_init(&side->playout, plane->codecs[meaning], side->decoder, leg->delay_min_ms, leg->delay_max_ms,
                        (uint32_t)sr_random(&plane->random));
    }
    if (side->codec != SR_TYPE_UNKNOWN)
        sr_leg_buffer(plane, &side->playout, packet, meaning);
}

static void take_frame(const sr_plane *plane, sr_tap_side *side, uint32_t rate_hz, int16_t *pcm)
{
    int samples = (int)rate_hz / 1000 * SR_TAP_MS;
    if (side->codec == SR_TYPE_UNKNOWN) {
        memset(pcm, 0, (size_t)samples * sizeof *pcm);
        return;
    }
    uint32_t from_hz = plane->codecs[side->codec]->sample_rate_hz;
    if (from_hz == rate_hz) {
        sr_playout_frame(&side->playout, plane->now_ns, pcm, samples);
        return;
    }
    int16_t frame[SR_MAX_FRAME_SAMPLES];
    int count = (int)from_hz / 1000 * SR_TAP_MS;
    sr_converter converter = {&side->resample, side->from_hz, side->from_hz ? rate_hz : 0};
    sr_playout_frame(&side->playout, plane->now_ns, frame, count);
    sr_convert(plane, &converter, frame, count, from_hz, pcm, rate_hz);
    side->from_hz = from_hz;
}

static void detect(sr_plane *plane, sr_leg *leg, sr_tap *tap, const int16_t *pcm, int samples)
{
    sr_dtmf_event events[SR_DTMF_EVENTS(FRAME_MAX)];
    int count = sr_dtmf_feed(&tap->dtmf, pcm, samples, events, SR_DTMF_EVENTS(FRAME_MAX));
    for (int i = 0; i < count; i++) {
        if (events[i].kind != SR_DTMF_END || !(tap->detect & SR_DETECT_DIGITS))
            continue;
        sr_digit digit = {events[i].digit, (uint32_t)((uint64_t)events[i].duration * 1000 / tap->rate_hz), true};
        sr_leg_report_digits(plane, leg, &digit, 1);
    }
}

static void record(sr_tap *tap, const int16_t *said, const int16_t *heard, int samples)
{
    int16_t both[2 * FRAME_MAX];
    tap->frames += (uint64_t)samples;
    if (!is_recording(tap)) {
        tap->frames -= sr_recording_forget(&tap->recording, tap->ahead_bytes, (uint32_t)samples);
    } else if (tap->paused) {
        sr_recording_pause(&tap->recording, (uint32_t)samples);
        return;
    }
    for (int i = 0; i < samples; i++) {
        if (tap->channels == 2) {
            both[2 * i] = said[i];
            both[2 * i + 1] = heard[i];
        } else {
            int sum = said[i] + heard[i];
            both[i] = (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
        }
    }
    sr_recording_put(&tap->recording, both, (uint32_t)samples);
}

/* To whoever listens outside, at 8 kHz: half the samples of 16 kHz are enough to tell speech by. */
static void say(const sr_tap *tap, const int16_t *said, int samples)
{
    int16_t half[FRAME_MAX];
    if (tap->rate_hz != 8000) {
        samples /= 2;
        for (int i = 0; i < samples; i++)
            half[i] = (int16_t)((said[2 * i] + said[2 * i + 1]) / 2);
        said = half;
    }
    send(tap->ear_fd, said, (size_t)samples * sizeof *said, MSG_DONTWAIT | MSG_NOSIGNAL); /* who is slow misses it */
}

/* Digits of whoever the leg hears: they are no more for its recording than its own. */
static void hush(sr_tap *tap, int16_t *heard, int samples)
{
    sr_dtmf_event events[SR_DTMF_EVENTS(FRAME_MAX)];
    if (tap->hush_hz != tap->rate_hz) {
        tap->hush_hz = tap->rate_hz;
        sr_dtmf_init(&tap->hush, tap->rate_hz);
    }
    sr_dtmf_feed(&tap->hush, heard, samples, events, SR_DTMF_EVENTS(FRAME_MAX));
    if (tap->hush.suspect || tap->hush.digit >= 0)
        memset(heard, 0, (size_t)samples * sizeof *heard);
}

static void do_tap(sr_plane *plane, sr_leg *leg)
{
    sr_tap *tap = tap_of(plane, leg);
    int16_t said[FRAME_MAX], heard[FRAME_MAX];
    int samples = (int)tap->rate_hz / 1000 * SR_TAP_MS;
    take_frame(plane, &tap->said, tap->rate_hz, said);
    if (tap->detect & (SR_DETECT_DIGITS | SR_DETECT_MUTE))
        detect(plane, leg, tap, said, samples);
    if (tap->ear_fd != 0)
        say(tap, said, samples);
    if (!keeps(tap))
        return;
    if ((tap->detect & SR_DETECT_MUTE) && (tap->dtmf.suspect || tap->dtmf.digit >= 0 || leg->events.running))
        memset(said, 0, (size_t)samples * sizeof *said);
    take_frame(plane, &tap->heard, tap->rate_hz, heard);
    if (tap->detect & SR_DETECT_MUTE)
        hush(tap, heard, samples);
    record(tap, said, heard, samples);
}

void sr_taps_tick(sr_plane *plane)
{
    uint32_t turns = SR_TAP_MS / SR_SLOT_MS;
    if (plane->tapped_legs == 0)
        return;
    for (uint32_t i = (uint32_t)(plane->slot % turns); i < plane->config.max_legs; i += turns)
        if (plane->legs[i].tapped)
            do_tap(plane, &plane->legs[i]);
}

void sr_tap_detect(sr_plane *plane, sr_leg *leg, uint8_t wanted)
{
    tap_of(plane, leg)->detect = wanted;
    tap_of(plane, leg)->gate_hz = tap_of(plane, leg)->hush_hz = 0;
    leg->keeps_digits = wanted & SR_DETECT_KEEP;
    adjust(plane, leg);
    if (leg->peer != NULL)
        sr_leg_choose_feed(plane, leg->peer);
}

void sr_tap_clean(sr_plane *plane, sr_leg *leg, int16_t *pcm, int samples, uint32_t rate_hz)
{
    sr_tap *tap = tap_of(plane, leg);
    sr_dtmf_event events[SR_DTMF_EVENTS(SR_MAX_FRAME_SAMPLES)];
    if (rate_hz != 8000 && rate_hz != 16000)
        return;
    if (tap->gate_hz != rate_hz) {
        tap->gate_hz = rate_hz;
        sr_dtmf_init(&tap->gate, rate_hz);
    }
    sr_dtmf_feed(&tap->gate, pcm, samples, events, SR_DTMF_EVENTS(SR_MAX_FRAME_SAMPLES));
    if (tap->gate.suspect || tap->gate.digit >= 0)
        memset(pcm, 0, (size_t)samples * sizeof *pcm);
}

static void begin(sr_tap *tap, int fd, uint32_t rate_hz, uint32_t channels, uint32_t ring_bytes)
{
    tap->channels = channels;
    tap->rate_hz = rate_hz;
    tap->frames = 0;
    tap->paused = false;
    sr_recording_init(&tap->recording, fd, rate_hz, channels, tap->ring, ring_bytes, tap->segment);
}

enum sr_error sr_tap_ahead(sr_plane *plane, sr_leg *leg, uint32_t ms, uint32_t rate_hz, uint32_t channels)
{
    sr_tap *tap = tap_of(plane, leg);
    int state = atomic_load(&tap->state);
    if (state != SR_RECORDING_NONE && state != SR_RECORDING_AHEAD)
        return SR_BUSY;
    if ((rate_hz != 8000 && rate_hz != 16000) || channels < 1 || channels > 2)
        return SR_BAD_RECORD;
    atomic_store(&tap->state, SR_RECORDING_NONE);
    set_tapped(plane, leg, false);
    if (ms > 0) {
        uint64_t bytes = (uint64_t)ms * (rate_hz / 1000 * channels * 2 + 1); /* and a header each 20 ms */
        uint32_t most = SR_TAP_RING_BYTES - SR_TAP_RING_BYTES / 16;          /* room for what comes until it is drained */
        tap->ahead_bytes = bytes < most ? (uint32_t)bytes : most;
        begin(tap, -1, rate_hz, channels, SR_TAP_RING_BYTES);
        atomic_store(&tap->state, SR_RECORDING_AHEAD);
    }
    adjust(plane, leg);
    return SR_OK;
}

enum sr_error sr_tap_ear(sr_plane *plane, sr_leg *leg, int fd, bool on)
{
    sr_tap *tap = tap_of(plane, leg);
    if (on && fd <= 0)
        return SR_BAD_RECORD;
    if (tap->ear_fd != 0)
        close(tap->ear_fd);
    tap->ear_fd = on ? fd : 0;
    if (!on && fd >= 0)
        close(fd);
    adjust(plane, leg);
    return SR_OK;
}

enum sr_error sr_tap_start(sr_plane *plane, sr_tap *tap, uint32_t leg, int fd, uint32_t number, uint32_t rate_hz,
                           uint32_t channels)
{
    int state = atomic_load(&tap->state);
    if (state != SR_RECORDING_NONE && state != SR_RECORDING_AHEAD)
        return SR_BUSY;
    if (fd < 0 || (rate_hz != 8000 && rate_hz != 16000) || channels < 1 || channels > 2)
        return SR_BAD_RECORD;
    if (state == SR_RECORDING_AHEAD && tap->rate_hz == rate_hz && tap->channels == channels)
        tap->recording.fd = fd; /* the ring has the beginning */
    else
        begin(tap, fd, rate_hz, channels, SR_TAP_DISK_BYTES * (rate_hz / 8000));
    tap->number = number;
    tap->leg = leg;
    atomic_fetch_add(&plane->recordings, 1);
    atomic_store_explicit(&tap->state, SR_RECORDING_RUNS, memory_order_release);
    return SR_OK;
}

enum sr_error sr_tap_record(sr_plane *plane, sr_leg *leg, int fd, uint32_t number, uint32_t rate_hz, uint32_t channels)
{
    enum sr_error error = sr_tap_start(plane, tap_of(plane, leg), leg->handle, fd, number, rate_hz, channels);
    if (error == SR_OK) {
        bool ahead = tap_of(plane, leg)->frames > 0;
        if (!ahead) /* what was heard ahead goes on without a break */
            set_tapped(plane, leg, false);
        adjust(plane, leg);
    }
    return error;
}

void sr_tap_mixed(sr_plane *plane, sr_tap *tap, const int16_t *pcm, int ms, uint32_t rate_hz)
{
    int16_t converted[FRAME_MAX], silence[FRAME_MAX] = {0};
    int samples = (int)tap->rate_hz / 1000 * ms;
    if (rate_hz != tap->rate_hz) {
        sr_tap_side *side = &tap->heard;
        sr_converter converter = {&side->resample, side->from_hz, side->from_hz ? tap->rate_hz : 0};
        sr_convert(plane, &converter, pcm, (int)rate_hz / 1000 * ms, rate_hz, converted, tap->rate_hz);
        side->from_hz = rate_hz;
        pcm = converted;
    }
    record(tap, pcm, silence, samples);
}

void sr_tap_pause(sr_plane *plane, sr_leg *leg, bool paused)
{
    tap_of(plane, leg)->paused = paused;
}

void sr_tap_stop(sr_plane *plane, sr_leg *leg)
{
    sr_tap_end(tap_of(plane, leg));
    adjust(plane, leg);
}

bool sr_tap_end(sr_tap *tap)
{
    bool ran = is_recording(tap);
    if (ran)
        atomic_store_explicit(&tap->state, SR_RECORDING_ENDS, memory_order_release);
    return ran;
}

bool sr_tap_runs(const sr_tap *tap)
{
    return is_recording(tap);
}

void sr_tap_close(sr_plane *plane, sr_leg *leg)
{
    sr_tap *tap = tap_of(plane, leg);
    tap->detect = 0;
    if (atomic_load(&tap->state) == SR_RECORDING_AHEAD)
        atomic_store(&tap->state, SR_RECORDING_NONE);
    if (tap->ear_fd != 0)
        close(tap->ear_fd);
    tap->ear_fd = 0;
    leg->keeps_digits = false;
    sr_tap_stop(plane, leg);
}

/* A recording whose file is whole and closed is told; its slot may belong to another leg by now. */
static void keep(sr_plane *plane, uint32_t index)
{
    sr_tap *tap = &plane->taps[index];
    if (atomic_load_explicit(&tap->state, memory_order_acquire) != SR_RECORDING_DONE)
        return;
    sr_record fact = {.body.recorded = {
        .frames = tap->frames,
        .lost = atomic_load(&tap->recording.ring_lost) + atomic_load(&tap->recording.disk_lost),
        .error_number = atomic_load(&tap->recording.last_errno),
    }};
    sr_leg stand_in = {.handle = tap->leg};
    sr_plane_fact(plane, SR_RECORDED, &stand_in, tap->number, &fact);
    atomic_store(&tap->state, SR_RECORDING_NONE);
    atomic_fetch_sub(&plane->recordings, 1);
}

void sr_taps_keep(sr_plane *plane, uint32_t first, uint32_t step)
{
    for (uint32_t i = first; i < sr_tap_count(plane) && atomic_load(&plane->recordings) > 0; i += step)
        keep(plane, i);
}

void sr_taps_drain(sr_plane *plane)
{
    for (uint32_t i = 0; i < sr_tap_count(plane) && atomic_load(&plane->recordings) > 0; i++) {
        sr_tap *tap = &plane->taps[i];
        int state = atomic_load_explicit(&tap->state, memory_order_acquire);
        if (state == SR_RECORDING_RUNS) {
            sr_recording_drain(&tap->recording);
        } else if (state == SR_RECORDING_ENDS) {
            sr_recording_finish(&tap->recording);
            fdatasync(tap->recording.fd);
            close(tap->recording.fd);
            atomic_store_explicit(&tap->state, SR_RECORDING_DONE, memory_order_release);
        }
    }
}

void *sr_taps_write(void *shard)
{
    sr_plane *plane = shard;
    struct timespec pause = {0, DRAIN_EVERY_NS};
    while (!atomic_load(&plane->ended)) {
        sr_taps_drain(plane);
        nanosleep(&pause, NULL);
    }
    sr_taps_drain(plane); /* the plane has ended all recordings */
    return NULL;
}
