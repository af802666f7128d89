# SPDX-License-Identifier: Apache-2.0
# distutils: language = c
# distutils: sources = src/switchroom/codecs/g729/variant_c.c src/switchroom/codecs/g729/variant_sse41.c src/switchroom/codecs/g729/variant_avx2.c src/switchroom/codecs/g729/dispatch.c src/switchroom/codecs/g729/payload.c src/switchroom/codecs/g729/tables.c
# distutils: include_dirs = src/switchroom/codecs/g729 src/switchroom/ext
# distutils: depends = src/switchroom/codecs/g729/codec.h src/switchroom/codecs/g729/fixed.h src/switchroom/codecs/g729/functions.h src/switchroom/codecs/g729/g729.h src/switchroom/codecs/g729/kernels.h src/switchroom/codecs/g729/kernels_vector.h src/switchroom/codecs/g729/payload.h src/switchroom/codecs/g729/pulse_vector.h src/switchroom/codecs/g729/state.h src/switchroom/codecs/g729/tables.h src/switchroom/codecs/g729/vector.h src/switchroom/codecs/g729/adaptive_codebook.c src/switchroom/codecs/g729/bitstream.c src/switchroom/codecs/g729/comfort_noise.c src/switchroom/codecs/g729/concealment.c src/switchroom/codecs/g729/decoder.c src/switchroom/codecs/g729/dtx.c src/switchroom/codecs/g729/encoder.c src/switchroom/codecs/g729/filters.c src/switchroom/codecs/g729/fixed_codebook.c src/switchroom/codecs/g729/gains.c src/switchroom/codecs/g729/highpass.c src/switchroom/codecs/g729/lp_analysis.c src/switchroom/codecs/g729/lsp.c src/switchroom/codecs/g729/lsp_quantiser.c src/switchroom/codecs/g729/open_pitch.c src/switchroom/codecs/g729/postfilter.c src/switchroom/codecs/g729/sid.c src/switchroom/codecs/g729/taming.c src/switchroom/codecs/g729/vad.c src/switchroom/ext/codec_ops.h
"""G.729 with Annexes A and B: the Python face of the C blocks beside it, and the tables for the media plane.

`Encoder` and `Decoder` work on single frames; the capsules of `ops` on RTP payloads, without the GIL. Every function
picks the fastest variant of the inner loops that the processor has, unless SWITCHROOM_G729_VARIANT names another.
"""

import os

cimport cython
from cpython cimport array
from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int16_t, uint8_t
from libc.string cimport memcpy, strlen

from switchroom.ext.codec_ops cimport SR_CODEC_CAPSULE, sr_codec_ops

import array

cdef extern from "g729.h" nogil:
    ctypedef struct g729_encoder:
        pass
    ctypedef struct g729_decoder:
        pass
    ctypedef struct g729_variant:
        const char *name
        void (*encoder_init)(void *encoder, int annex_b) noexcept nogil
        void (*decoder_init)(void *decoder) noexcept nogil
        int (*encode)(void *encoder, const int16_t *pcm, int forced, uint8_t *out) noexcept nogil
        void (*decode)(void *decoder, const uint8_t *data, int bytes, int16_t *pcm) noexcept nogil
    const g729_variant *g729_variant_by_name(const char *name)
    const g729_variant *g729_variant_at(int place)

cdef extern from "payload.h" nogil:
    const sr_codec_ops g729_ops
    const sr_codec_ops g729_ops_annexa
    void g729_payload_variant(const g729_variant *variant)

cdef enum:
    FRAME = 80
    SPEECH_BYTES = 10
    SID_BYTES = 2

cdef array.array _samples = array.array("h")


cdef const g729_variant *_variant(name) except NULL:
    """The variant called `name`, or the fastest for None."""
    cdef const g729_variant *found
    if name is None:
        found = g729_variant_by_name(NULL)
    else:
        encoded = str(name).encode()
        found = g729_variant_by_name(encoded)
    if found is NULL:
        raise ValueError(f"no variant {name!r} on this machine; there are {', '.join(variants())}")
    return found


def variants():
    """The names of the variants of the inner loops that this machine can run, the fastest last."""
    return tuple(g729_variant_at(place).name.decode() for place in range(3) if g729_variant_at(place) is not NULL)


@cython.final
cdef class Encoder:
    """A G.729 Annex A encoder, with the discontinuous transmission of Annex B when `annex_b` is true.

    One object is one channel, and may be used from any thread, but from one at a time. `variant` names the inner loops
    to use (see `variants`); the bits do not depend on it.
    """

    cdef g729_encoder _state
    cdef const g729_variant *_use
    cdef bint _busy
    cdef readonly bint annex_b

    def __cinit__(self, annex_b=False, *, variant=None):
        self._use = _variant(variant or _default)
        self.annex_b = bool(annex_b)
        self._use.encoder_init(&self._state, self.annex_b)

    def encode(self, pcm):
        """Encode whole frames of 80 samples; returns a list with the octets of each frame.

        `pcm` is any contiguous buffer of 16 bit samples in the machine's order: array('h'), a numpy array of int16, or
        plain bytes. A frame comes back as 10 octets of speech, 2 of a silence descriptor, or b"" when nothing is to be
        sent. Raises ValueError when `pcm` is not a whole number of frames, TypeError when it holds other numbers.
        """
        cdef Py_buffer view
        cdef uint8_t out[SPEECH_BYTES]
        cdef int16_t frame[FRAME]
        cdef Py_ssize_t done = 0
        cdef int written
        frames = []
        PyObject_GetBuffer(pcm, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
        try:
            form = (view.format if view.format is not NULL else b"B").lstrip(b"@=<")
            if form not in (b"h", b"B", b"b", b"c"):
                raise TypeError(f"pcm must hold 16 bit samples or octets, not items of format {form.decode()!r}")
            if view.len % (2 * FRAME):
                raise ValueError(f"pcm must be a multiple of {FRAME} samples ({2 * FRAME} octets), not {view.len} octets")
            if self._busy:
                raise RuntimeError("this encoder is in use by another thread")
            self._busy = True
            try:
                while done < view.len:
                    with nogil:
                        memcpy(frame, <const char *>view.buf + done, 2 * FRAME)
                        written = self._use.encode(&self._state, frame, 0, out)
                    frames.append(PyBytes_FromStringAndSize(<const char *>out, written))
                    done += 2 * FRAME
            finally:
                self._busy = False
        finally:
            PyBuffer_Release(&view)
        return frames


@cython.final
cdef class Decoder:
    """A G.729 decoder of Annexes A and B.

    One object is one channel, and may be used from any thread, but from one at a time.
    """

    cdef g729_decoder _state
    cdef const g729_variant *_use
    cdef bint _busy

    def __cinit__(self, *, variant=None):
        self._use = _variant(variant or _default)
        self._use.decoder_init(&self._state)

    def decode(self, frame):
        """Decode one frame to an array('h') of 80 samples, which numpy wraps without a copy.

        `frame` is 10 octets of speech, 2 of a silence descriptor, b"" for a frame that the far end did not send (comfort
        noise goes on), or None for one that was lost. Raises ValueError for any other length.
        """
        cdef const uint8_t[::1] data
        cdef const uint8_t *octets = NULL
        cdef int length = -1
        cdef array.array pcm = array.clone(_samples, FRAME, zero=False)
        if frame is not None:
            data = frame
            length = <int>data.shape[0]
            if length not in (SPEECH_BYTES, SID_BYTES, 0):
                raise ValueError(f"a frame is {SPEECH_BYTES}, {SID_BYTES} or 0 octets, not {length}")
            if length:
                octets = &data[0]
        if self._busy:
            raise RuntimeError("this decoder is in use by another thread")
        self._busy = True
        with nogil:
            self._use.decode(&self._state, octets, length, <int16_t *>pcm.data.as_shorts)
        self._busy = False
        return pcm


def ops(annex_b=True):
    """The codec's table for the media plane (ext/codec_ops.h), in a capsule.

    With `annex_b` the encoder sends silence descriptors; without, every frame is speech, as `annexb=no` on either side
    asks (RFC 7261). Both tables decode whatever comes.
    """
    return PyCapsule_New(<void *>(&g729_ops if annex_b else &g729_ops_annexa), SR_CODEC_CAPSULE, NULL)


_default = os.environ.get("SWITCHROOM_G729_VARIANT") or None
g729_payload_variant(_variant(_default))
