# SPDX-License-Identifier: Apache-2.0
"""The concealment of kernels/plc.h."""

from libc.stdint cimport int16_t, uint32_t

cdef extern from "kernels/plc.h" nogil:
    const uint32_t SR_PLC_RATE_MAX

    ctypedef struct sr_plc:
        int lost
        int period

    void sr_plc_init(sr_plc *p, uint32_t rate_hz)
    void sr_plc_good(sr_plc *p, int16_t *pcm, int samples)
    void sr_plc_lost(sr_plc *p, int16_t *pcm, int samples)
