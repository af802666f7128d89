# SPDX-License-Identifier: Apache-2.0
"""The crash-safe recordings of kernels/segment.h."""

from libc.stdint cimport int16_t, uint8_t, uint32_t, uint64_t

cdef extern from "kernels/segment.h" nogil:
    ctypedef struct sr_recording:
        uint64_t ring_lost
        uint64_t disk_lost
        uint64_t errors
        int last_errno
        uint64_t slowest_ns
        uint64_t frame
        uint32_t sequence

    unsigned int SR_SEGMENT_BYTES(unsigned int rate_hz, unsigned int channels)
    void sr_recording_init(
        sr_recording *r, int fd, uint32_t rate_hz, uint32_t channels, uint8_t *ring, uint32_t ring_size,
        uint8_t *segment
    )
    int sr_recording_put(sr_recording *r, const int16_t *pcm, uint32_t frames)
    int sr_recording_pause(sr_recording *r, uint32_t frames)
    int sr_recording_drain(sr_recording *r)
    int sr_recording_finish(sr_recording *r)
