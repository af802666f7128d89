# SPDX-License-Identifier: Apache-2.0
"""Single samples of G.711, for Cython code that wants no table of functions."""

from libc.stdint cimport int16_t, uint8_t

cdef uint8_t ulaw_compress(int sample) noexcept nogil
cdef int ulaw_expand(int code) noexcept nogil
cdef uint8_t alaw_compress(int sample) noexcept nogil
cdef int alaw_expand(int code) noexcept nogil
