# SPDX-License-Identifier: Apache-2.0
"""Any codec of codec_ops.h seen from Python, for tests and tools: one encoder and one decoder with their states."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int16_t, uint8_t
from libc.stdlib cimport free
from posix.stdlib cimport posix_memalign

from switchroom.ext.codec_ops cimport SR_CODEC_ABI, SR_CODEC_CAPSULE, SR_GAP_LOST, SR_GAP_UNTRANSMITTED, sr_codec_ops


cdef class Codec:
    """Both directions of one codec; PCM is native int16 at `sample_rate_hz`."""

    cdef const sr_codec_ops *_ops
    cdef void *_encoder
    cdef void *_decoder

    def __cinit__(self, capsule):
        self._ops = <const sr_codec_ops *>PyCapsule_GetPointer(capsule, SR_CODEC_CAPSULE)
        if self._ops.abi != SR_CODEC_ABI:
            raise ValueError(f"codec of ABI {self._ops.abi}")
        if posix_memalign(&self._encoder, 32, self._ops.encoder_size + 32) or posix_memalign(
            &self._decoder, 32, self._ops.decoder_size + 32
        ):
            raise MemoryError
        if self._ops.encoder_init is not NULL:
            self._ops.encoder_init(self._encoder)
        if self._ops.decoder_init is not NULL:
            self._ops.decoder_init(self._decoder)

    def __dealloc__(self):
        free(self._encoder)
        free(self._decoder)

    @property
    def name(self):
        """The encoding name of the rtpmap."""
        return self._ops.name.decode()

    @property
    def has_state(self):
        """Whether it codes by what came before: then encoding is dear, and each stream has its own."""
        return self._ops.encoder_size != 0

    @property
    def sample_rate_hz(self):
        """Of the PCM."""
        return self._ops.sample_rate_hz

    @property
    def clock_rate_hz(self):
        """Of the RTP timestamp."""
        return self._ops.clock_rate_hz

    def encode(self, const int16_t[::1] pcm):
        """One payload; empty when nothing is to be sent (DTX). ValueError for a part of a frame."""
        cdef int samples = <int>pcm.shape[0], n
        if samples % self._ops.frame_samples:
            raise ValueError(f"{samples} samples are not whole frames of {self._ops.frame_samples}")
        payload = bytearray(samples // self._ops.frame_samples * self._ops.frame_bytes)
        if not samples:
            return b""
        cdef uint8_t[::1] view = payload
        cdef int room = <int>len(payload)
        with nogil:
            n = self._ops.encode(self._encoder, &pcm[0], samples, &view[0], room)
        return bytes(payload[:n])

    def decode(self, const uint8_t[::1] payload):
        """The PCM of one payload, as bytes; ValueError when it cannot be one."""
        cdef int size = <int>payload.shape[0], n = 0
        if not size:
            return b""
        cdef int samples = self._ops.payload_samples(&payload[0], size)
        if samples < 0:
            raise ValueError(f"{size} bytes are no {self.name} payload")
        pcm = bytearray(2 * samples)
        cdef int16_t[::1] view = memoryview(pcm).cast("h")
        if samples:
            n = self._ops.decode(self._decoder, &payload[0], size, &view[0], samples)
        if n < 0:
            raise ValueError(f"{size} bytes are no {self.name} payload")
        return bytes(pcm[: 2 * n])

    def conceal(self, int samples, bint lost=True):
        """PCM in place of a lost or an untransmitted payload; LookupError when the codec has no way of its own."""
        if self._ops.conceal is NULL:
            raise LookupError(f"{self.name} conceals nothing")
        if samples <= 0:
            return b""
        pcm = bytearray(2 * samples)
        cdef int16_t[::1] view = memoryview(pcm).cast("h")
        cdef int n = self._ops.conceal(
            self._decoder, SR_GAP_LOST if lost else SR_GAP_UNTRANSMITTED, &view[0], samples
        )
        return bytes(pcm[: 2 * n])
