# SPDX-License-Identifier: Apache-2.0
# distutils: sources = src/switchroom/ext/kernels/cng.c
"""The comfort noise of kernels/cng.h for tests and tools; PCM is native int16."""

from libc.stdint cimport int16_t, uint8_t


def describe(const int16_t[::1] pcm, int order=0):
    """The RFC 3389 payload that describes a frame of noise."""
    cdef uint8_t[32] payload
    if not 0 <= order <= SR_CNG_ORDER_MAX:
        raise ValueError(f"order {order} is not in 0 to {SR_CNG_ORDER_MAX}")
    if pcm.shape[0] == 0:
        raise ValueError("no samples")
    cdef int n = sr_cng_describe(&pcm[0], <int>pcm.shape[0], order, payload)
    return (<const char *>payload)[:n]


cdef class Cng:
    """A source of comfort noise; silent until the first update."""

    cdef sr_cng _c

    def __cinit__(self, int seed=1):
        sr_cng_init(&self._c, seed)

    def update(self, bytes payload):
        """A CN payload has come; ValueError when it is empty."""
        if sr_cng_update(&self._c, <const uint8_t *>(<const char *>payload), <int>len(payload)) < 0:
            raise ValueError("empty CN payload")

    def generate(self, int16_t[::1] pcm):
        """Fill the buffer."""
        if pcm.shape[0]:
            sr_cng_generate(&self._c, &pcm[0], <int>pcm.shape[0])
