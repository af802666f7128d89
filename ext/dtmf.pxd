# SPDX-License-Identifier: Apache-2.0
"""The detector and the generator of kernels/dtmf.h."""

from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint32_t

cdef extern from "kernels/dtmf.h" nogil:
    ctypedef struct sr_dtmf_event:
        uint8_t kind
        char digit
        int64_t start
        uint32_t duration
        float low_dbm0
        float high_dbm0
        float twist_db
        float low_offset
        float high_offset

    ctypedef struct sr_dtmf:
        uint8_t suspect
        int8_t digit

    int SR_DTMF_EVENTS(int samples)
    void sr_dtmf_init(sr_dtmf *d, uint32_t rate_hz)
    int sr_dtmf_feed(sr_dtmf *d, const int16_t *pcm, int samples, sr_dtmf_event *events, int capacity)
    int sr_dtmf_frequencies(char digit, float *low_hz, float *high_hz)

    ctypedef struct sr_tone:
        int64_t at

    void sr_tone_start(
        sr_tone *t, uint32_t rate_hz, float first_hz, float first_dbm0, float second_hz, float second_dbm0,
        int64_t duration, int ramp
    )
    int sr_tone_generate(sr_tone *t, int16_t *pcm, int samples)
