# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/resample.c
# distutils: libraries = m
"""The resampler of kernels/resample.h for tests and tools; PCM is native int16."""

from libc.stdint cimport int16_t
from libc.stdlib cimport free, malloc


cdef class Resampler:
    """One stream from one rate to another."""

    cdef sr_resample_filter *_filter
    cdef sr_resample _r

    def __cinit__(self, int from_hz, int to_hz):
        self._filter = <sr_resample_filter *>malloc(sizeof(sr_resample_filter))
        if self._filter is NULL:
            raise MemoryError
        if from_hz <= 0 or to_hz <= 0 or sr_resample_filter_init(self._filter, from_hz, to_hz) < 0:
            raise ValueError(f"no filter from {from_hz} to {to_hz} Hz")
        sr_resample_init(&self._r, self._filter)

    def __dealloc__(self):
        free(self._filter)

    def run(self, const int16_t[::1] pcm):
        """Convert these samples; the result lags by 20 samples of the lower rate."""
        if pcm.shape[0] == 0:
            return b""
        if pcm.shape[0] > 1 << 24:
            raise ValueError("more than 16 M samples at once")
        out = bytearray(2 * sr_resample_bound(self._filter, <int>pcm.shape[0]))
        cdef int16_t[::1] view = memoryview(out).cast("h")
        cdef int n
        with nogil:
            n = sr_resample_run(&self._r, &pcm[0], <int>pcm.shape[0], &view[0])
        return bytes(out[: 2 * n])
