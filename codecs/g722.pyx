# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/codecs/g722_adpcm.c
"""ITU-T G.722 at 64 kbit/s: 16 kHz audio whose RTP clock counts 8000 a second (RFC 3551 section 4.5.2)."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int16_t, uint8_t

from switchroom.ext.codec_ops cimport SR_CODEC_ABI, SR_CODEC_CAPSULE, sr_codec_ops

cdef extern from "switchroom/codecs/g722_adpcm.h" nogil:
    ctypedef struct sr_g722:
        pass

    void sr_g722_init(sr_g722 *g)
    void sr_g722_encode(sr_g722 *g, const int16_t *pcm, int samples, uint8_t *code)
    void sr_g722_decode(sr_g722 *g, const uint8_t *code, int bytes, int16_t *pcm)


cdef void _init(void *state) noexcept nogil:
    sr_g722_init(<sr_g722 *>state)


cdef int _encode(void *state, const int16_t *pcm, int samples, uint8_t *payload, int capacity) noexcept nogil:
    if samples & 1 or samples // 2 > capacity:
        return -1
    sr_g722_encode(<sr_g722 *>state, pcm, samples, payload)
    return samples // 2


cdef int _decode(void *state, const uint8_t *payload, int size, int16_t *pcm, int capacity) noexcept nogil:
    if 2 * size > capacity:
        return -1
    sr_g722_decode(<sr_g722 *>state, payload, size, pcm)
    return 2 * size


cdef int _payload_samples(const uint8_t *payload, int size) noexcept nogil:
    return 2 * size


cdef sr_codec_ops _g722 = sr_codec_ops(
    abi=SR_CODEC_ABI, name=b"G722", sample_rate_hz=16000, clock_rate_hz=8000, frame_samples=2, frame_bytes=1,
    encoder_size=sizeof(sr_g722), decoder_size=sizeof(sr_g722), encoder_init=_init, decoder_init=_init,
    encode=_encode, decode=_decode, conceal=NULL, payload_samples=_payload_samples)

G722 = PyCapsule_New(&_g722, SR_CODEC_CAPSULE, NULL)
