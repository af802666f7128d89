# SPDX-License-Identifier: Apache-2.0
"""The measurements of kernels/levels.h."""

from libc.stdint cimport int16_t, uint16_t, uint64_t

cdef extern from "kernels/levels.h" nogil:
    ctypedef struct sr_levels:
        uint64_t samples
        uint64_t silent
        uint64_t silent_now
        uint64_t clipped
        float frame_rms
        float dc
        uint16_t peak

    void sr_levels_init(sr_levels *l)
    void sr_levels_add(sr_levels *l, const int16_t *pcm, int samples)
    float sr_dbov(float rms)
    float sr_dbm0(float rms)
    float sr_levels_speech_rms(const sr_levels *l)
