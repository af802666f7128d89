# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/playout.c src/switchroom/ext/kernels/jitter.c src/switchroom/ext/kernels/plc.c src/switchroom/ext/kernels/cng.c src/switchroom/ext/kernels/timescale.c
# distutils: libraries = m
"""The receiving half of a leg of kernels/playout.h, for tests and tools; PCM is native int16."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int16_t, int64_t, uint8_t
from libc.stdlib cimport free
from posix.stdlib cimport posix_memalign

from switchroom.ext.codec_ops cimport SR_CODEC_CAPSULE, sr_codec_ops
from switchroom.ext.jitter cimport sr_jitter_packet, sr_jitter_push

KINDS = ("audio", "sid", "other")


cdef class Playout:
    """Packets in, frames out."""

    cdef sr_playout *_p
    cdef void *_decoder
    cdef object _capsule

    def __cinit__(self, capsule, int min_delay_ms=0, int max_delay_ms=400, int seed=1):
        cdef const sr_codec_ops *codec = <const sr_codec_ops *>PyCapsule_GetPointer(capsule, SR_CODEC_CAPSULE)
        self._capsule = capsule
        if posix_memalign(<void **>&self._p, 64, sizeof(sr_playout)) or posix_memalign(
            &self._decoder, 32, codec.decoder_size + 32
        ):
            raise MemoryError
        sr_playout_init(self._p, codec, self._decoder, min_delay_ms, max_delay_ms, seed)

    def __dealloc__(self):
        free(self._p)
        free(self._decoder)

    def push(self, int64_t now_ns, int seq, int64_t timestamp, bytes payload, int duration, str kind="audio"):
        """A packet has come; `duration` in ticks of the RTP clock."""
        cdef sr_jitter_packet packet
        packet.payload = <const uint8_t *>(<const char *>payload)
        packet.bytes = len(payload)
        packet.seq = <unsigned int>seq & 0xFFFF
        packet.timestamp = timestamp & 0xFFFFFFFF
        packet.ssrc = 1
        packet.duration = duration
        packet.payload_type = 0
        packet.marker = 0
        packet.kind = KINDS.index(kind)
        sr_jitter_push(&self._p.jitter, now_ns, &packet)

    def frame(self, int64_t now_ns, int16_t[::1] pcm):
        """Fill the buffer (at most 2880 samples) with what is to be heard now."""
        if pcm.shape[0] > 2880:
            raise ValueError("more than 2880 samples")
        if pcm.shape[0]:
            sr_playout_frame(self._p, now_ns, &pcm[0], <int>pcm.shape[0])

    @property
    def stats(self):
        """The counters of the jitter buffer, and samples concealed, of comfort noise, and payloads refused."""
        counters = dict(self._p.jitter.stats)
        counters.update(concealed=self._p.concealed, noise=self._p.noise, bad=self._p.bad)
        return counters
