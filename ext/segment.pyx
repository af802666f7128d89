# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/segment.c
"""A recording of kernels/segment.h for tests and tools; in the plane the tick and a writer thread call the C functions."""

import os

from libc.stdint cimport int16_t, uint8_t
from libc.stdlib cimport free
from posix.stdlib cimport posix_memalign


cdef class Recording:
    """Frames of interleaved native int16 into a new file of segments."""

    cdef sr_recording *_r
    cdef uint8_t *_ring
    cdef uint8_t *_segment
    cdef int _fd, _channels

    def __cinit__(self, path, int rate_hz=8000, int channels=2, int ring_bytes=1 << 17):
        self._fd = -1  # before anything can raise: __dealloc__ closes what stands here
        if not 8000 <= rate_hz <= 48000 or channels not in (1, 2):
            raise ValueError(f"{rate_hz} Hz, {channels} channels: 8000 to 48000 and 1 or 2 are wanted")
        if ring_bytes <= 0 or ring_bytes & (ring_bytes - 1):
            raise ValueError("ring_bytes is no power of two")
        if (
            posix_memalign(<void **>&self._r, 64, sizeof(sr_recording))
            or posix_memalign(<void **>&self._ring, 64, ring_bytes)
            or posix_memalign(<void **>&self._segment, 64, SR_SEGMENT_BYTES(rate_hz, channels))
        ):
            raise MemoryError
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self._channels = channels
        sr_recording_init(self._r, self._fd, rate_hz, channels, self._ring, ring_bytes, self._segment)

    def __dealloc__(self):
        if self._fd >= 0:
            os.close(self._fd)
        free(self._r)
        free(self._ring)
        free(self._segment)

    def put(self, const int16_t[::1] pcm):
        """Frames from the tick; False when the ring is full and they are lost."""
        if pcm.shape[0] % self._channels:
            raise ValueError("not whole frames")
        if pcm.shape[0] == 0:
            return True
        return sr_recording_put(self._r, &pcm[0], <int>(pcm.shape[0] // self._channels)) == 0

    def pause(self, int frames):
        """A marked silence; False when the ring is full."""
        return sr_recording_pause(self._r, frames) == 0

    def drain(self):
        """Write whole seconds; the errno of a write that failed, or 0."""
        cdef int error
        with nogil:
            error = sr_recording_drain(self._r)
        return error

    def close(self):
        """Write what is left and close the file; the errno of a write that failed, or 0."""
        cdef int error
        if self._fd < 0:
            return 0
        with nogil:
            error = sr_recording_finish(self._r)
        os.close(self._fd)
        self._fd = -1
        return error

    @property
    def stats(self):
        """Frames placed so far, segments written, frames lost to the ring and to the disk, errors, the slowest write."""
        return {
            "frames": self._r.frame, "segments": self._r.sequence, "ring_lost": self._r.ring_lost,
            "disk_lost": self._r.disk_lost, "errors": self._r.errors, "last_errno": self._r.last_errno,
            "slowest_ns": self._r.slowest_ns,
        }
