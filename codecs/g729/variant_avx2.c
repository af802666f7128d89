/* SPDX-License-Identifier: Apache-2.0
 *
 * The variant for processors with AVX2: the loops of kernels_vector.h on vectors of 32 octets.
 *
 * The whole file is compiled for that instruction set and is entered only where dispatch.c has found it.
 */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif

#define G729_NAME avx2
#define G729_VECTOR 32
#include "codec.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
