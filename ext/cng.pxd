# SPDX-License-Identifier: Apache-2.0
"""The comfort noise of kernels/cng.h."""

from libc.stdint cimport int16_t, uint8_t, uint32_t

cdef extern from "kernels/cng.h" nogil:
    const int SR_CNG_ORDER_MAX

    ctypedef struct sr_cng:
        int order

    void sr_cng_init(sr_cng *c, uint32_t seed)
    int sr_cng_update(sr_cng *c, const uint8_t *payload, int bytes)
    void sr_cng_generate(sr_cng *c, int16_t *pcm, int samples)
    int sr_cng_describe(const int16_t *pcm, int samples, int order, uint8_t *payload)
