# SPDX-License-Identifier: Apache-2.0
"""The resampler of kernels/resample.h."""

from libc.stdint cimport int16_t, uint32_t

cdef extern from "kernels/resample.h" nogil:
    ctypedef struct sr_resample_filter:
        int up
        int down
        int taps

    ctypedef struct sr_resample:
        const sr_resample_filter *filter

    int sr_resample_filter_init(sr_resample_filter *f, uint32_t from_hz, uint32_t to_hz)
    void sr_resample_init(sr_resample *r, const sr_resample_filter *filter)
    int sr_resample_bound(const sr_resample_filter *f, int samples)
    int sr_resample_run(sr_resample *r, const int16_t *inp, int samples, int16_t *out)
