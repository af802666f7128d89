# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/plc.c
"""The concealment of kernels/plc.h for tests and tools; PCM is native int16."""

from libc.stdint cimport int16_t


cdef class Plc:
    """Concealment of one stream at 8000 to 48000 Hz."""

    cdef sr_plc _p

    def __cinit__(self, int rate_hz=8000):
        if not 8000 <= rate_hz <= SR_PLC_RATE_MAX:
            raise ValueError(f"{rate_hz} Hz is not in 8000 to {SR_PLC_RATE_MAX}")
        sr_plc_init(&self._p, rate_hz)

    def good(self, int16_t[::1] pcm):
        """Audio has come: remember it, and fade its start in, in place, after a loss."""
        if pcm.shape[0]:
            sr_plc_good(&self._p, &pcm[0], <int>pcm.shape[0])

    def lost(self, int16_t[::1] pcm):
        """Audio is missing: fill the buffer."""
        if pcm.shape[0]:
            sr_plc_lost(&self._p, &pcm[0], <int>pcm.shape[0])

    @property
    def period(self):
        """The pitch period found at the start of the last loss, samples."""
        return self._p.period
