# SPDX-License-Identifier: Apache-2.0
"""The mix-minus of kernels/mixer.h."""

from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t, uint32_t

cdef extern from "kernels/mixer.h" nogil:
    const int SR_MIX_PARTIES
    const int SR_MIX_TOP_MAX
    const int SR_MIX_SAMPLES
    const int SR_MIX_UNITY

    ctypedef struct sr_mix_party:
        const int16_t *inp "in"
        uint16_t gain
        uint16_t gain_from
        uint16_t gain_to
        uint16_t hold
        uint8_t speaking
        uint8_t silent
        uint32_t level

    ctypedef struct sr_mix_override:
        uint16_t speaker
        uint16_t gain

    int sr_mix_sum(sr_mix_party *parties, int count, int top, int samples, int32_t *sum)
    int sr_mix_hears_common(const sr_mix_party *party, int overrides)
    void sr_mix_common(const int32_t *sum, int samples, int16_t *out)
    void sr_mix_output(
        const sr_mix_party *parties, int listener, const sr_mix_override *overrides, int override_count,
        const int32_t *sum, int samples, int16_t *out
    )
