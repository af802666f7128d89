# SPDX-License-Identifier: Apache-2.0
"""The codec table of codec_ops.h, for the Cython modules that fill it or hand it on."""

from libc.stddef cimport size_t
from libc.stdint cimport int16_t, uint8_t, uint32_t

cdef extern from "codec_ops.h" nogil:
    const uint32_t SR_CODEC_ABI
    const char *SR_CODEC_CAPSULE

    enum sr_gap:
        SR_GAP_LOST
        SR_GAP_UNTRANSMITTED

    ctypedef struct sr_codec_ops:
        uint32_t abi
        const char *name
        uint32_t sample_rate_hz
        uint32_t clock_rate_hz
        uint32_t frame_samples
        uint32_t frame_bytes
        size_t encoder_size
        size_t decoder_size
        void (*encoder_init)(void *encoder)
        void (*decoder_init)(void *decoder)
        int (*encode)(void *encoder, const int16_t *pcm, int samples, uint8_t *payload, int capacity) noexcept nogil
        int (*decode)(void *decoder, const uint8_t *payload, int bytes, int16_t *pcm, int capacity)
        int (*conceal)(void *decoder, sr_gap gap, int16_t *pcm, int samples)
        int (*payload_samples)(const uint8_t *payload, int bytes)
