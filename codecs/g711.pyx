# SPDX-License-Identifier: Apache-2.0
"""ITU-T G.711: mu-law (PCMU) and A-law (PCMA).

The two laws stand here as arithmetic; tables made of them at import do the work, one lookup a sample.
"""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int16_t, uint8_t, uint16_t

from switchroom.ext.codec_ops cimport SR_CODEC_ABI, SR_CODEC_CAPSULE, sr_codec_ops

cdef enum:
    ULAW_BIAS = 33      # in the 14-bit domain of the law
    ULAW_CLIP = 8158    # the largest magnitude before the bias


cdef uint8_t ulaw_compress(int sample) noexcept nogil:
    """A 16-bit sample to mu-law: 14 bits, bias, segment, 4 bits of mantissa, all bits inverted (table 2a, 2b)."""
    cdef int magnitude = (~sample if sample < 0 else sample) >> 2
    cdef int segment = 0
    if magnitude > ULAW_CLIP:
        magnitude = ULAW_CLIP
    magnitude += ULAW_BIAS
    while magnitude >> (segment + 6):
        segment += 1
    return ~((0x80 if sample < 0 else 0) | segment << 4 | (magnitude >> (segment + 1) & 15)) & 0xff


cdef int ulaw_expand(int code) noexcept nogil:
    """A mu-law code to a 16-bit sample."""
    code = ~code & 0xff
    cdef int magnitude = ((((code & 15) << 1 | ULAW_BIAS) << (code >> 4 & 7)) - ULAW_BIAS) << 2
    return -magnitude if code & 0x80 else magnitude


cdef uint8_t alaw_compress(int sample) noexcept nogil:
    """A 16-bit sample to A-law: 13 bits, segment, 4 bits of mantissa, even bits inverted (table 1a, 1b)."""
    cdef int magnitude = (~sample if sample < 0 else sample) >> 4
    cdef int segment = 0
    while magnitude >> (segment + 4):
        segment += 1
    if segment:
        magnitude = segment << 4 | (magnitude >> (segment - 1) & 15)
    return (magnitude | (0 if sample < 0 else 0x80)) ^ 0x55


cdef int alaw_expand(int code) noexcept nogil:
    """An A-law code to a 16-bit sample, in the middle of its interval."""
    code ^= 0x55
    cdef int segment = code >> 4 & 7
    cdef int magnitude = (code & 15) << 4 | 8
    if segment:
        magnitude = (magnitude | 0x100) << (segment - 1)
    return magnitude if code & 0x80 else -magnitude


cdef uint8_t[65536] ulaw_of
cdef uint8_t[65536] alaw_of
cdef int16_t[256] of_ulaw
cdef int16_t[256] of_alaw


cdef void _fill_tables() noexcept:
    cdef int i
    for i in range(-32768, 32768):
        ulaw_of[i & 0xffff] = ulaw_compress(i)
        alaw_of[i & 0xffff] = alaw_compress(i)
    for i in range(256):
        of_ulaw[i] = ulaw_expand(i)
        of_alaw[i] = alaw_expand(i)


_fill_tables()


cdef inline int _encode(const uint8_t *law, const int16_t *pcm, int samples, uint8_t *payload, int capacity) noexcept nogil:
    cdef int i
    if samples > capacity:
        return -1
    for i in range(samples):
        payload[i] = law[<uint16_t>pcm[i]]
    return samples


cdef inline int _decode(const int16_t *law, const uint8_t *payload, int size, int16_t *pcm, int capacity) noexcept nogil:
    cdef int i
    if size > capacity:
        return -1
    for i in range(size):
        pcm[i] = law[payload[i]]
    return size


cdef int _encode_ulaw(void *state, const int16_t *pcm, int samples, uint8_t *payload, int capacity) noexcept nogil:
    return _encode(ulaw_of, pcm, samples, payload, capacity)


cdef int _decode_ulaw(void *state, const uint8_t *payload, int size, int16_t *pcm, int capacity) noexcept nogil:
    return _decode(of_ulaw, payload, size, pcm, capacity)


cdef int _encode_alaw(void *state, const int16_t *pcm, int samples, uint8_t *payload, int capacity) noexcept nogil:
    return _encode(alaw_of, pcm, samples, payload, capacity)


cdef int _decode_alaw(void *state, const uint8_t *payload, int size, int16_t *pcm, int capacity) noexcept nogil:
    return _decode(of_alaw, payload, size, pcm, capacity)


cdef int _payload_samples(const uint8_t *payload, int size) noexcept nogil:
    return size


cdef sr_codec_ops _pcmu = sr_codec_ops(
    abi=SR_CODEC_ABI, name=b"PCMU", sample_rate_hz=8000, clock_rate_hz=8000, frame_samples=1, frame_bytes=1,
    encoder_size=0, decoder_size=0, encoder_init=NULL, decoder_init=NULL,
    encode=_encode_ulaw, decode=_decode_ulaw, conceal=NULL, payload_samples=_payload_samples)

cdef sr_codec_ops _pcma = sr_codec_ops(
    abi=SR_CODEC_ABI, name=b"PCMA", sample_rate_hz=8000, clock_rate_hz=8000, frame_samples=1, frame_bytes=1,
    encoder_size=0, decoder_size=0, encoder_init=NULL, decoder_init=NULL,
    encode=_encode_alaw, decode=_decode_alaw, conceal=NULL, payload_samples=_payload_samples)

PCMU = PyCapsule_New(&_pcmu, SR_CODEC_CAPSULE, NULL)
PCMA = PyCapsule_New(&_pcma, SR_CODEC_CAPSULE, NULL)
