# SPDX-License-Identifier: Apache-2.0
"""The time scaling of kernels/timescale.h."""

from libc.stdint cimport int16_t, uint32_t

cdef extern from "kernels/timescale.h" nogil:
    int SR_TIMESCALE_EXTRA(uint32_t rate_hz)
    int sr_accelerate(const int16_t *inp, int samples, uint32_t rate_hz, int urgent, int16_t *out)
    int sr_expand(const int16_t *inp, int samples, uint32_t rate_hz, int urgent, int16_t *out)
