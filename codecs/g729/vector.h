/* SPDX-License-Identifier: Apache-2.0
 *
 * One spelling for the vectors of SSE4.1 (eight samples) and of AVX2 (sixteen).
 *
 * Names carry the width of the elements that they work on. Where AVX2 keeps its two halves apart (unpacking, packing),
 * the pairs used together bring every element back to its place, so loops need not know.
 */
#ifndef SWITCHROOM_G729_VECTOR_H
#define SWITCHROOM_G729_VECTOR_H

#include <immintrin.h>

#include "fixed.h"

#if G729_VECTOR == 32
typedef __m256i vec;
enum { LANES = 16 };
#define V(op) _mm256_##op
G729_INLINE vec v_load(const void *p) { return _mm256_loadu_si256(p); }
G729_INLINE void v_store(void *p, vec x) { _mm256_storeu_si256(p, x); }
G729_INLINE vec v_zero(void) { return _mm256_setzero_si256(); }
G729_INLINE vec v_and(vec a, vec b) { return _mm256_and_si256(a, b); }
G729_INLINE vec v_or(vec a, vec b) { return _mm256_or_si256(a, b); }
G729_INLINE vec v_xor(vec a, vec b) { return _mm256_xor_si256(a, b); }
G729_INLINE __m128i v_low(vec a) { return _mm256_castsi256_si128(a); }
G729_INLINE __m128i v_fold32(vec a)
{
    return _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}
#else
typedef __m128i vec;
enum { LANES = 8 };
#define V(op) _mm_##op
G729_INLINE vec v_load(const void *p) { return _mm_loadu_si128(p); }
G729_INLINE void v_store(void *p, vec x) { _mm_storeu_si128(p, x); }
G729_INLINE vec v_zero(void) { return _mm_setzero_si128(); }
G729_INLINE vec v_and(vec a, vec b) { return _mm_and_si128(a, b); }
G729_INLINE vec v_or(vec a, vec b) { return _mm_or_si128(a, b); }
G729_INLINE vec v_xor(vec a, vec b) { return _mm_xor_si128(a, b); }
G729_INLINE __m128i v_low(vec a) { return a; }
G729_INLINE __m128i v_fold32(vec a) { return a; }
#endif

/* Sum of four 32 bit lanes. */
G729_INLINE int32_t sum_4x32(__m128i a)
{
    a = _mm_add_epi32(a, _mm_shuffle_epi32(a, 0x4e));
    a = _mm_add_epi32(a, _mm_shuffle_epi32(a, 0xb1));
    return _mm_cvtsi128_si32(a);
}
G729_INLINE int32_t v_sum32(vec a) { return sum_4x32(v_fold32(a)); }

/* mult16 without its one saturating case, -32768 * -32768. */
G729_INLINE vec v_mult16(vec a, vec b)
{
    return v_or(V(slli_epi16)(V(mulhi_epi16)(a, b), 1), V(srli_epi16)(V(mullo_epi16)(a, b), 15));
}

/* |x| with 32767 for -32768. */
G729_INLINE __m128i abs_8x16(__m128i x) { return _mm_max_epi16(x, _mm_subs_epi16(_mm_setzero_si128(), x)); }

G729_INLINE int max_8x16(__m128i m)
{
    return 65535 - _mm_extract_epi16(_mm_minpos_epu16(_mm_xor_si128(m, _mm_set1_epi16(-1))), 0);
}

/* At least the largest |x[i]| (32768 reads as itself); n is a multiple of eight. */
G729_INLINE int max_abs(const int16_t *x, int n)
{
    __m128i m = _mm_setzero_si128();
    for (int i = 0; i < n; i += 8)
        m = _mm_max_epu16(m, _mm_abs_epi16(_mm_loadu_si128((const void *)(x + i))));
    return max_8x16(m);
}

/* Sum of |x[i]|, exact; n is a multiple of eight. */
G729_INLINE int sum_abs(const int16_t *x, int n)
{
    __m128i s = _mm_setzero_si128();
    for (int i = 0; i < n; i += 8) {
        __m128i a = _mm_abs_epi16(_mm_loadu_si128((const void *)(x + i)));
        s = _mm_add_epi32(s, _mm_add_epi32(_mm_and_si128(a, _mm_set1_epi32(0xffff)), _mm_srli_epi32(a, 16)));
    }
    return sum_4x32(s);
}

/* Sum of x[i]^2 without a bound; n is a multiple of eight. */
G729_INLINE uint64_t energy_64(const int16_t *x, int n)
{
    __m128i low = _mm_setzero_si128(), high = low, mask = _mm_set1_epi64x(0xffffffff);
    for (int i = 0; i < n; i += 8) {
        __m128i a = _mm_loadu_si128((const void *)(x + i));
        __m128i m = _mm_madd_epi16(a, a);
        low = _mm_add_epi64(low, _mm_and_si128(m, mask));
        high = _mm_add_epi64(high, _mm_srli_epi64(m, 32));
    }
    low = _mm_add_epi64(low, high);
    return (uint64_t)_mm_cvtsi128_si64(low) + (uint64_t)_mm_extract_epi64(low, 1);
}

/* By Cauchy and Schwarz: no sum of products of two signals with these energies, nor any part of it, reaches 2^30. */
G729_INLINE int products_fit(uint64_t a, uint64_t b)
{
    return a < (1u << 30) && b < (1u << 30) ? 1 : (double)a * (double)b < 1152921504606846976.0 * 0.999;
}

G729_INLINE int32_t dot40_unguarded(const int16_t *a, const int16_t *b)
{
    __m128i t = _mm_madd_epi16(_mm_loadu_si128((const void *)(a + 32)), _mm_loadu_si128((const void *)(b + 32)));
    vec s = v_zero();
    for (int i = 0; i < 32; i += LANES)
        s = V(add_epi32)(s, V(madd_epi16)(v_load(a + i), v_load(b + i)));
    return sum_4x32(_mm_add_epi32(t, v_fold32(s)));
}

#endif
