# SPDX-License-Identifier: Apache-2.0
"""Any codec of codec_ops.h as bytes in, bytes out: for tests, tools and files. The plane calls the tables itself."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int16_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memset

cdef extern from "<stdlib.h>":
    void *aligned_alloc(size_t alignment, size_t size)

from switchroom.ext.codec_ops cimport SR_CODEC_ABI, SR_CODEC_CAPSULE, SR_GAP_LOST, SR_GAP_UNTRANSMITTED, sr_codec_ops


cdef void *_state(size_t size):
    """Zeroed memory, aligned as codec_ops.h promises."""
    cdef size_t rounded = (size + 63) // 64 * 64
    cdef void *memory = aligned_alloc(64, rounded if rounded else 64)
    if memory is not NULL:
        memset(memory, 0, rounded)
    return memory


cdef class Coder:
    """One encoder and one decoder of the codec in `capsule`."""

    cdef object _capsule
    cdef const sr_codec_ops *_ops
    cdef void *_encoder
    cdef void *_decoder

    def __cinit__(self, capsule):
        self._ops = <const sr_codec_ops *>PyCapsule_GetPointer(capsule, SR_CODEC_CAPSULE)
        if self._ops.abi != SR_CODEC_ABI:
            raise ValueError("another version of the codec table")
        self._capsule = capsule
        self._encoder = _state(self._ops.encoder_size)
        self._decoder = _state(self._ops.decoder_size)
        if self._encoder is NULL or self._decoder is NULL:
            raise MemoryError
        self.reset()

    def __dealloc__(self):
        free(self._encoder)
        free(self._decoder)

    def reset(self):
        """Both states as at the start."""
        if self._ops.encoder_init is not NULL:
            self._ops.encoder_init(self._encoder)
        if self._ops.decoder_init is not NULL:
            self._ops.decoder_init(self._decoder)

    @property
    def sample_rate_hz(self):
        return self._ops.sample_rate_hz

    @property
    def clock_rate_hz(self):
        return self._ops.clock_rate_hz

    @property
    def frame_samples(self):
        return self._ops.frame_samples

    def encode(self, bytes pcm):
        """16-bit samples to a payload. Raises ValueError when they are no whole frames."""
        cdef int samples = len(pcm) // 2, frames = samples // self._ops.frame_samples, written
        if len(pcm) % 2 or samples % self._ops.frame_samples:
            raise ValueError("the samples are no whole frames")
        payload = bytearray(frames * self._ops.frame_bytes)
        cdef uint8_t[::1] room = payload
        if not samples:
            return b""
        written = self._ops.encode(
            self._encoder, <const int16_t *><const char *>pcm, samples, &room[0], <int>len(payload))
        if written < 0:
            raise ValueError("encode failed")
        return bytes(payload[:written])

    def decode(self, bytes payload, int capacity=65536):
        """A payload to 16-bit samples, `capacity` of them at most. Raises ValueError for one that cannot be decoded."""
        pcm = bytearray(2 * max(capacity, 1))
        cdef uint8_t[::1] room = pcm
        cdef int samples = self._ops.decode(
            self._decoder, <const uint8_t *><const char *>payload, <int>len(payload), <int16_t *>&room[0], capacity)
        if samples < 0:
            raise ValueError("decode failed")
        return bytes(pcm[: 2 * samples])

    def conceal(self, int samples, bint lost=True):
        """Samples for a missing payload: lost, or not sent (DTX). Raises ValueError where the codec has no such thing."""
        if self._ops.conceal is NULL:
            raise ValueError("the codec does not conceal")
        pcm = bytearray(2 * samples)
        cdef uint8_t[::1] room = pcm
        cdef int made = self._ops.conceal(
            self._decoder, SR_GAP_LOST if lost else SR_GAP_UNTRANSMITTED, <int16_t *>&room[0], samples)
        return bytes(pcm[: 2 * made])

    def payload_samples(self, bytes payload):
        """What a payload stands for, without decoding it; -1 for one that cannot be."""
        return self._ops.payload_samples(<const uint8_t *><const char *>payload, <int>len(payload))
