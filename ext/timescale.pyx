# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/timescale.c
"""The time scaling of kernels/timescale.h for tests and tools; PCM is bytes of native int16."""

from libc.stdint cimport int16_t


def accelerate(const int16_t[::1] pcm, int rate_hz=8000, bint urgent=False):
    """One frame with a pitch period taken out, or the same when it holds none that repeats."""
    out = bytearray(2 * pcm.shape[0])
    cdef int16_t[::1] view = memoryview(out).cast("h")
    cdef int written
    if pcm.shape[0] == 0:
        return b""
    with nogil:
        written = sr_accelerate(&pcm[0], <int>pcm.shape[0], rate_hz, urgent, &view[0])
    return bytes(out[: 2 * written])


def expand(const int16_t[::1] pcm, int rate_hz=8000, bint urgent=False):
    """One frame with a pitch period put in, or the same when it holds none that repeats."""
    out = bytearray(2 * (pcm.shape[0] + SR_TIMESCALE_EXTRA(rate_hz)))
    cdef int16_t[::1] view = memoryview(out).cast("h")
    cdef int written
    if pcm.shape[0] == 0:
        return b""
    with nogil:
        written = sr_expand(&pcm[0], <int>pcm.shape[0], rate_hz, urgent, &view[0])
    return bytes(out[: 2 * written])
