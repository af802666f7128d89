# SPDX-License-Identifier: Apache-2.0
"""The receiving half of a leg, of kernels/playout.h."""

from libc.stdint cimport int16_t, int64_t, uint32_t, uint64_t

from switchroom.ext.codec_ops cimport sr_codec_ops
from switchroom.ext.jitter cimport sr_jitter

cdef extern from "kernels/playout.h" nogil:
    ctypedef struct sr_playout:
        uint64_t concealed
        uint64_t noise
        uint64_t bad
        uint32_t queued
        sr_jitter jitter

    void sr_playout_init(
        sr_playout *p, const sr_codec_ops *codec, void *decoder, uint32_t min_delay_ms, uint32_t max_delay_ms,
        uint32_t seed
    )
    void sr_playout_frame(sr_playout *p, int64_t now_ns, int16_t *pcm, int samples)
