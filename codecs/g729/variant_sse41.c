/* SPDX-License-Identifier: Apache-2.0
 *
 * The variant for processors with SSE4.1: the loops of kernels_vector.h on vectors of 16 octets.
 *
 * The whole file is compiled for that instruction set and is entered only where dispatch.c has found it.
 */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("sse4.1"))), apply_to = function)
#else
#pragma GCC target("sse4.1")
#endif

#define G729_NAME sse41
#define G729_VECTOR 16
#include "codec.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
