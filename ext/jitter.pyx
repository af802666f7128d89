# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/jitter.c
"""The jitter buffer of kernels/jitter.h for tests and tools; the plane calls the C functions itself."""

from collections import namedtuple

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc

Pulled = namedtuple("Pulled", "verdict payload duration seq timestamp kind")

KINDS = ("audio", "sid", "other")
PUSHED = ("stored", "late", "duplicate", "dropped", "restarted")
VERDICTS = ("normal", "accelerate", "expand", "lost", "dtx", "empty")


cdef class Jitter:
    """An adaptive jitter buffer of encoded packets; times of the stream in ticks of its RTP clock."""

    cdef sr_jitter *_j

    def __cinit__(self, int clock_rate_hz=8000, int min_delay_ms=0, int max_delay_ms=400):
        self._j = <sr_jitter *>malloc(sizeof(sr_jitter))
        if self._j is NULL:
            raise MemoryError
        sr_jitter_init(self._j, clock_rate_hz, min_delay_ms, max_delay_ms)

    def __dealloc__(self):
        free(self._j)

    def bounds(self, int min_delay_ms, int max_delay_ms):
        """Keep the delay between these, from now on."""
        sr_jitter_bounds(self._j, min_delay_ms, max_delay_ms)

    def flush(self):
        """Forget the stream, keep what was learnt of the network."""
        sr_jitter_flush(self._j)

    def push(
        self, int64_t now_ns, int seq, int64_t timestamp, bytes payload, int duration=160, *,
        int64_t ssrc=0, bint marker=False, int payload_type=0, str kind="audio",
    ):
        """A packet has come: "stored", "late", "duplicate", "dropped" or "restarted"."""
        cdef sr_jitter_packet packet
        if len(payload) > 0xFFFF:
            raise ValueError("payload over 65535 bytes")
        packet.payload = <const uint8_t *>(<const char *>payload)
        packet.bytes = <uint16_t>len(payload)
        packet.seq = <uint16_t>(seq & 0xFFFF)
        packet.timestamp = <uint32_t>(timestamp & 0xFFFFFFFF)
        packet.ssrc = <uint32_t>ssrc
        packet.duration = duration
        packet.payload_type = payload_type
        packet.marker = marker
        packet.kind = KINDS.index(kind)
        return PUSHED[<int>sr_jitter_push(self._j, now_ns, &packet)]

    def pull(self, int64_t now_ns, int queued=0, int want=160):
        """What to play next, with `queued` ticks decoded and not yet played and `want` missing from the frame."""
        cdef sr_jitter_packet packet
        cdef sr_jitter_verdict verdict = sr_jitter_pull(self._j, now_ns, queued, want, &packet)
        payload = (<const char *>packet.payload)[:packet.bytes] if packet.payload is not NULL else None
        return Pulled(
            VERDICTS[<int>verdict], payload, packet.duration, packet.seq, packet.timestamp, KINDS[packet.kind]
        )

    @property
    def target_ms(self):
        """The delay aimed at, above the fastest transit of the last seconds."""
        return self._j.target * 1000.0 / self._j.clock_rate_hz

    @property
    def delay_ms(self):
        """The delay of the last packet played, on the same scale."""
        return self._j.delay * 1000.0 / self._j.clock_rate_hz

    @property
    def stats(self):
        """The counters of sr_jitter_stats, by name."""
        return self._j.stats
