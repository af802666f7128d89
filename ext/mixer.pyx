# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/mixer.c
"""The mix-minus of kernels/mixer.h for tests and tools; PCM is native int16."""

from libc.stdint cimport int16_t, int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

cdef enum:
    OVERRIDES = 16


cdef class Mixer:
    """One bridge: `tick` mixes a frame for every party."""

    cdef sr_mix_party *_parties
    cdef int16_t *_in
    cdef sr_mix_override[OVERRIDES] _overrides
    cdef int _count, _top
    cdef dict _lists
    cdef list _common

    def __cinit__(self, int parties, int top=0):
        if not 0 < parties <= SR_MIX_PARTIES:
            raise ValueError(f"{parties} parties are not in 1 to {SR_MIX_PARTIES}")
        if not 0 <= top <= SR_MIX_TOP_MAX:
            raise ValueError(f"top {top} is not in 0 to {SR_MIX_TOP_MAX}")
        self._parties = <sr_mix_party *>calloc(parties, sizeof(sr_mix_party))
        self._in = <int16_t *>calloc(parties * SR_MIX_SAMPLES, sizeof(int16_t))
        if self._parties is NULL or self._in is NULL:
            raise MemoryError
        self._count = parties
        self._top = top
        self._lists = {}
        self._common = []
        for i in range(parties):
            self._parties[i].gain = SR_MIX_UNITY

    def __dealloc__(self):
        free(self._parties)
        free(self._in)

    def gain(self, int party, double gain):
        """How loud this party is in the common mix: 0 takes it out."""
        self._parties[self._index(party)].gain = <int>(gain * SR_MIX_UNITY)

    def override(self, int listener, list gains):
        """What the listener hears differently: [(speaker, gain)], at most 16."""
        if len(gains) > OVERRIDES:
            raise ValueError(f"more than {OVERRIDES} overrides")
        self._lists[self._index(listener)] = [(self._index(s), <int>(g * SR_MIX_UNITY)) for s, g in gains]

    cdef int _index(self, int party) except -1:
        if not 0 <= party < self._count:
            raise IndexError(f"party {party}")
        return party

    def tick(self, list frames):
        """The frames of all parties (None: silent) -> what each hears, as bytes."""
        cdef int32_t[960] total
        cdef int16_t[960] out
        cdef int samples = 0, i, n
        cdef const int16_t[::1] pcm
        if len(frames) != self._count:
            raise ValueError(f"{len(frames)} frames for {self._count} parties")
        for i, frame in enumerate(frames):
            self._parties[i].inp = NULL
            if frame is None:
                continue
            pcm = frame
            if samples not in (0, pcm.shape[0]) or not 0 < pcm.shape[0] <= SR_MIX_SAMPLES:
                raise ValueError("frames of one length, 1 to 960 samples, are wanted")
            samples = <int>pcm.shape[0]
            memcpy(self._in + i * SR_MIX_SAMPLES, &pcm[0], samples * sizeof(int16_t))
            self._parties[i].inp = self._in + i * SR_MIX_SAMPLES
        samples = samples or 160
        sr_mix_sum(self._parties, self._count, self._top, samples, total)
        heard = []
        self._common = []
        sr_mix_common(total, samples, out)
        common = (<const char *>out)[: 2 * samples]
        for i in range(self._count):
            overrides = self._lists.get(i, ())
            n = 0
            for speaker, gain in overrides:
                self._overrides[n].speaker = speaker
                self._overrides[n].gain = gain
                n += 1
            if sr_mix_hears_common(&self._parties[i], n):
                self._common.append(i)
                heard.append(common)
                continue
            sr_mix_output(self._parties, i, self._overrides, n, total, samples, out)
            heard.append((<const char *>out)[: 2 * samples])
        return heard

    @property
    def common(self):
        """The parties that heard the common mix in the last tick."""
        return list(self._common)

    @property
    def mixed(self):
        """The parties chosen for the mix in the last tick."""
        return [i for i in range(self._count) if self._parties[i].gain_to]

    @property
    def speaking(self):
        """The parties that speak."""
        return [i for i in range(self._count) if self._parties[i].speaking]
