# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/dtmf.c
# distutils: libraries = m
"""The DTMF detector and tone generator of kernels/dtmf.h for tests and tools; PCM is native int16."""

from collections import namedtuple

from libc.stdint cimport int16_t

Event = namedtuple("Event", "kind digit start duration low_dbm0 high_dbm0 twist_db low_offset high_offset")

cdef enum:
    CHUNK = 1600
    EVENTS = 2 * (CHUNK // 160 + 1)


cdef class Detector:
    """Hears digits in one stream of 8000 or 16000 Hz."""

    cdef sr_dtmf _d

    def __cinit__(self, int rate_hz=8000):
        if rate_hz not in (8000, 16000):
            raise ValueError(f"{rate_hz} Hz: 8000 or 16000 is wanted")
        sr_dtmf_init(&self._d, rate_hz)

    def feed(self, const int16_t[::1] pcm):
        """Listen to these samples; the events in them: "begin" as soon as a digit is sure, "end" with its length."""
        cdef sr_dtmf_event[EVENTS] events
        cdef Py_ssize_t at = 0, size = pcm.shape[0]
        cdef int n, i
        heard = []
        while at < size:
            n = sr_dtmf_feed(&self._d, &pcm[at], <int>min(<Py_ssize_t>CHUNK, size - at), events, EVENTS)
            at += CHUNK
            for i in range(n):
                e = events[i]
                heard.append(Event(
                    "end" if e.kind else "begin", chr(e.digit), e.start, e.duration, e.low_dbm0, e.high_dbm0,
                    e.twist_db, e.low_offset, e.high_offset,
                ))
        return heard

    @property
    def suspect(self):
        """The last 25 ms held a digit, sure or not."""
        return bool(self._d.suspect)


def frequencies(str digit):
    """The two frequencies of a digit, Hz; ValueError for another character."""
    cdef float low, high
    code = ord(digit) if len(digit) == 1 else 0
    if code > 127 or sr_dtmf_frequencies(<char>code, &low, &high) < 0:
        raise ValueError(f"{digit!r} is no DTMF digit")
    return low, high


cdef class Tone:
    """One or two frequencies with levels in dBm0; `duration` and `ramp` in samples, a negative duration is for ever."""

    cdef sr_tone _t

    def __cinit__(
        self, float first_hz, float first_dbm0, float second_hz=0, float second_dbm0=0, *,
        int rate_hz=8000, long duration=-1, int ramp=0,
    ):
        sr_tone_start(&self._t, rate_hz, first_hz, first_dbm0, second_hz, second_dbm0, duration, ramp)

    def generate(self, int16_t[::1] pcm):
        """Fill the buffer; returns how many samples of it are tone, the rest is silence."""
        if pcm.shape[0] == 0:
            return 0
        return sr_tone_generate(&self._t, &pcm[0], <int>pcm.shape[0])
