# SPDX-License-Identifier: Apache-2.0
"""L16, mono: linear PCM in network byte order at 8, 16 and 44.1 kHz (RFC 3551 section 4.5.11)."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int16_t, uint8_t, uint16_t

from switchroom.ext.codec_ops cimport SR_CODEC_ABI, SR_CODEC_CAPSULE, sr_codec_ops


cdef int _encode(void *state, const int16_t *pcm, int samples, uint8_t *payload, int capacity) noexcept nogil:
    cdef int i
    if 2 * samples > capacity:
        return -1
    for i in range(samples):
        payload[2 * i] = <uint16_t>pcm[i] >> 8
        payload[2 * i + 1] = <uint16_t>pcm[i] & 0xff
    return 2 * samples


cdef int _decode(void *state, const uint8_t *payload, int size, int16_t *pcm, int capacity) noexcept nogil:
    cdef int i
    if size & 1 or size // 2 > capacity:
        return -1
    for i in range(size // 2):
        pcm[i] = <int16_t>(payload[2 * i] << 8 | payload[2 * i + 1])
    return size // 2


cdef int _payload_samples(const uint8_t *payload, int size) noexcept nogil:
    return -1 if size & 1 else size // 2


cdef sr_codec_ops _l16_8000 = sr_codec_ops(
    abi=SR_CODEC_ABI, name=b"L16", sample_rate_hz=8000, clock_rate_hz=8000, frame_samples=1, frame_bytes=2,
    encoder_size=0, decoder_size=0, encoder_init=NULL, decoder_init=NULL,
    encode=_encode, decode=_decode, conceal=NULL, payload_samples=_payload_samples)

cdef sr_codec_ops _l16_16000 = _l16_8000
_l16_16000.sample_rate_hz = _l16_16000.clock_rate_hz = 16000

cdef sr_codec_ops _l16_44100 = _l16_8000
_l16_44100.sample_rate_hz = _l16_44100.clock_rate_hz = 44100

L16_8000 = PyCapsule_New(&_l16_8000, SR_CODEC_CAPSULE, NULL)
L16_16000 = PyCapsule_New(&_l16_16000, SR_CODEC_CAPSULE, NULL)
L16_44100 = PyCapsule_New(&_l16_44100, SR_CODEC_CAPSULE, NULL)
