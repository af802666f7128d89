# SPDX-License-Identifier: Apache-2.0
"""The jitter buffer of kernels/jitter.h."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "kernels/jitter.h" nogil:
    const int SR_JITTER_PACKET_MAX

    ctypedef struct sr_jitter_packet:
        const uint8_t *payload
        uint16_t bytes
        uint16_t seq
        uint32_t timestamp
        uint32_t ssrc
        uint32_t duration
        uint8_t payload_type
        uint8_t marker
        uint8_t kind

    enum sr_jitter_pushed:
        SR_JITTER_STORED
        SR_JITTER_LATE
        SR_JITTER_DUPLICATE
        SR_JITTER_DROPPED
        SR_JITTER_RESTARTED

    enum sr_jitter_verdict:
        SR_JITTER_NORMAL
        SR_JITTER_ACCELERATE
        SR_JITTER_EXPAND
        SR_JITTER_LOSS
        SR_JITTER_DTX
        SR_JITTER_EMPTY

    ctypedef struct sr_jitter_stats:
        uint64_t received
        uint64_t played
        uint64_t lost
        uint64_t late
        uint64_t duplicate
        uint64_t reordered
        uint64_t discarded
        uint64_t dropped
        uint64_t restarts
        uint64_t accelerated
        uint64_t expanded
        uint64_t empty
        uint64_t spurts

    ctypedef struct sr_jitter:
        uint32_t clock_rate_hz
        int32_t target
        int32_t delay
        sr_jitter_stats stats

    void sr_jitter_init(sr_jitter *j, uint32_t clock_rate_hz, uint32_t min_delay_ms, uint32_t max_delay_ms)
    void sr_jitter_bounds(sr_jitter *j, uint32_t min_delay_ms, uint32_t max_delay_ms)
    sr_jitter_pushed sr_jitter_push(sr_jitter *j, int64_t now_ns, const sr_jitter_packet *packet)
    sr_jitter_verdict sr_jitter_pull(
        sr_jitter *j, int64_t now_ns, uint32_t queued, uint32_t want, sr_jitter_packet *packet
    )
    void sr_jitter_flush(sr_jitter *j)
