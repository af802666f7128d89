# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/levels.c
# distutils: libraries = m
"""The measurements of kernels/levels.h for tests and tools; PCM is native int16."""

from libc.stdint cimport int16_t


cdef class Levels:
    """Level, silence, clipping and DC of one stream."""

    cdef sr_levels _l

    def __cinit__(self):
        sr_levels_init(&self._l)

    def add(self, const int16_t[::1] pcm):
        """One more frame."""
        if pcm.shape[0]:
            sr_levels_add(&self._l, &pcm[0], <int>pcm.shape[0])

    @property
    def frame_dbm0(self):
        """Level of the last frame; -127 for silence."""
        return sr_dbm0(self._l.frame_rms)

    @property
    def frame_dbov(self):
        """The same, over full scale."""
        return sr_dbov(self._l.frame_rms)

    @property
    def speech_dbm0(self):
        """Mean level of the frames that are not silent."""
        return sr_dbm0(sr_levels_speech_rms(&self._l))

    @property
    def silent_now(self):
        """Samples of silence in a row until now."""
        return self._l.silent_now

    @property
    def stats(self):
        """The fields of sr_levels, by name."""
        return self._l
