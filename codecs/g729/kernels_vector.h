/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loops on vectors: the bits of kernels.h, several elements at a time.
 *
 * Integer sums do not depend on their order as long as no partial sum saturates, so each loop first makes sure that
 * none can (by energies, by sums of magnitudes, or afterwards by the results), and hands the rare rest to the plain
 * form.
 */
#ifndef SWITCHROOM_G729_KERNELS_VECTOR_H
#define SWITCHROOM_G729_KERNELS_VECTOR_H

#include "kernels.h"
#include "pulse_vector.h"
#include "vector.h"

/* The window is positive, so the one saturating product cannot occur. */
static inline void window_speech(const int16_t *speech, int16_t *y)
{
    for (int i = 0; i < WINDOW; i += LANES)
        v_store(y + i, V(mulhrs_epi16)(v_load(speech + i), v_load(g729_lp_window + i)));
    for (int i = WINDOW; i < WINDOW + 16; i++)
        y[i] = 0;
}

static inline int correlate_window(const int16_t *y, int32_t *r)
{
    uint64_t energy = 2 * energy_64(y, WINDOW) + 1;
    if (energy > MAX_32)
        return 0;
    r[0] = (int32_t)energy;
    for (int from = 1; from <= VAD_ORDER; from += 6) {
        vec s0 = v_zero(), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
        for (int i = 0; i < WINDOW; i += LANES) {
            vec a = v_load(y + i);
            const int16_t *b = y + i + from;
            s0 = V(add_epi32)(s0, V(madd_epi16)(a, v_load(b)));
            s1 = V(add_epi32)(s1, V(madd_epi16)(a, v_load(b + 1)));
            s2 = V(add_epi32)(s2, V(madd_epi16)(a, v_load(b + 2)));
            s3 = V(add_epi32)(s3, V(madd_epi16)(a, v_load(b + 3)));
            s4 = V(add_epi32)(s4, V(madd_epi16)(a, v_load(b + 4)));
            s5 = V(add_epi32)(s5, V(madd_epi16)(a, v_load(b + 5)));
        }
        r[from] = 2 * v_sum32(s0);
        r[from + 1] = 2 * v_sum32(s1);
        r[from + 2] = 2 * v_sum32(s2);
        r[from + 3] = 2 * v_sum32(s3);
        r[from + 4] = 2 * v_sum32(s4);
        r[from + 5] = 2 * v_sum32(s5);
    }
    return 1;
}

/* 3.2.3: the Chebyshev polynomials of the second kind bound the recursion, and with it each sum on the way. */
static inline int chebyshev_fits(const int16_t f[6])
{
    static const uint8_t weight[6] = {11, 8, 5, 3, 1, 1};
    int bound = 0;
    for (int i = 0; i < 6; i++)
        bound += weight[i] * (f[i] < 0 ? -f[i] : f[i]);
    return bound < 127 << 11; /* 127 in Q11, 254 in Q10 */
}

/* With everything in range the recursion is the same in 64 bits, and needs no splitting. */
G729_INLINE int16_t chebyshev_unguarded(int16_t x, const int16_t f[6], int wide)
{
    int32_t b2 = wide ? 1 << 23 : 1 << 24;
    int32_t b1 = x * (wide ? 512 : 1024) + f[1] * 8192;
    for (int i = 2; i < 5; i++) {
        int32_t b0 = (int32_t)(((int64_t)(b1 >> 1) * x) >> 15) * 4 - (b2 & ~1) + f[i] * 8192;
        b2 = b1;
        b1 = b0;
    }
    int32_t t = (int32_t)(((int64_t)(b1 >> 1) * x) >> 15) * 2 - (b2 & ~1) + f[5] * 4096;
    return high16(l_shl(t, wide ? 7 : 6));
}

G729_INLINE int16_t chebyshev(int16_t x, const int16_t f[6], int wide, int fits)
{
    return fits && x != MIN_16 ? chebyshev_unguarded(x, f, wide) : plain_chebyshev(x, f, wide);
}

/* Lanes of b * x >> 15 on the halves of b, as mpy_32_16 does it, doubled. */
G729_INLINE vec v_mpy_32_16(vec b, vec x)
{
    vec low = v_and(V(srli_epi32)(b, 1), V(set1_epi32)(0x7fff));
    vec high = V(srai_epi32)(b, 16);
    vec mask = V(set1_epi32)(0xffff);
    high = V(madd_epi16)(v_and(high, mask), x);
    low = V(srai_epi32)(V(madd_epi16)(low, x), 15);
    return V(slli_epi32)(V(add_epi32)(high, low), 1);
}

static inline void chebyshev_grid(const int16_t f[6], int wide, int16_t *y)
{
    if (!chebyshev_fits(f)) {
        plain_chebyshev_grid(f, wide, y);
        return;
    }
    for (int i = 0; i < 51; i += LANES / 2) {
        int32_t points[8] = {0}, out[8];
        for (int j = 0; j < LANES / 2; j++)
            points[j] = g729_lsp_grid[i + j < 51 ? i + j : 50];
        vec x32 = v_load(points), x = v_and(x32, V(set1_epi32)(0xffff));
        vec b2 = V(set1_epi32)(wide ? 1 << 23 : 1 << 24), even = V(set1_epi32)(~1);
        vec b1 = V(add_epi32)(V(slli_epi32)(x32, wide ? 9 : 10), V(set1_epi32)(f[1] * 8192));
        for (int k = 2; k < 5; k++) {
            vec b0 = V(slli_epi32)(v_mpy_32_16(b1, x), 1);
            b0 = V(add_epi32)(V(sub_epi32)(b0, v_and(b2, even)), V(set1_epi32)(f[k] * 8192));
            b2 = b1;
            b1 = b0;
        }
        vec t = V(sub_epi32)(v_mpy_32_16(b1, x), v_and(b2, even));
        t = V(add_epi32)(t, V(set1_epi32)(f[5] * 4096));
        /* high16(l_shl(t, 6)) is t >> 10 clamped to 16 bits (t >> 9 after a shift of 7). */
        t = V(srai_epi32)(t, wide ? 9 : 10);
        v_store(out, V(max_epi32)(V(min_epi32)(t, V(set1_epi32)(MAX_16)), V(set1_epi32)(MIN_16)));
        for (int j = 0; j < LANES / 2 && i + j < 51; j++)
            y[i + j] = (int16_t)out[j];
    }
}

/* Distances of 32 bit without their factor two stop at 2^30, where the saturated ones all are equal. */
G729_INLINE vec v_add_distance(vec sum, vec term)
{
    return V(add_epi32)(V(min_epu32)(sum, V(set1_epi32)(1 << 30)), term);
}

/* Smallest of the lanes; of equal ones the smallest index. */
G729_INLINE int first_smallest(const uint32_t *value, const uint32_t *index, int n)
{
    uint32_t min = value[0], best = index[0];
    for (int i = 1; i < n; i++)
        if (value[i] < min || (value[i] == min && index[i] < best)) {
            min = value[i];
            best = index[i];
        }
    /* All saturated: the plain search never leaves its first candidate. */
    return min >= 1u << 30 ? 0 : (int)best;
}

/* The index of each 32 bit lane after unpacking LANES elements that begin at `from`. */
G729_INLINE void lane_indices(int from, vec *low, vec *high)
{
#if G729_VECTOR == 32
    *low = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 8, 9, 10, 11), _mm256_set1_epi32(from));
    *high = _mm256_add_epi32(_mm256_setr_epi32(4, 5, 6, 7, 12, 13, 14, 15), _mm256_set1_epi32(from));
#else
    *low = _mm_add_epi32(_mm_setr_epi32(0, 1, 2, 3), _mm_set1_epi32(from));
    *high = _mm_add_epi32(_mm_setr_epi32(4, 5, 6, 7), _mm_set1_epi32(from));
#endif
}

G729_INLINE void keep_smaller(vec *min, vec *best, vec value, vec index)
{
    vec less = V(cmpgt_epi32)(*min, value);
    *min = V(blendv_epi8)(*min, value, less);
    *best = V(blendv_epi8)(*best, index, less);
}

static inline int lsf_first_stage(const int16_t *target)
{
    vec limit = V(set1_epi32)(1 << 30), min0 = limit, min1 = limit, best0 = v_zero(), best1 = best0;
    vec t[ORDER];
    for (int j = 0; j < ORDER; j++)
        t[j] = V(set1_epi16)(target[j]);
    for (int k = 0; k < 128; k += LANES) {
        vec low = v_zero(), high = low, index0, index1;
        for (int j = 0; j < ORDER; j += 2) {
            vec d0 = V(subs_epi16)(t[j], v_load(g729_lsp_code1_t[j] + k));
            vec d1 = V(subs_epi16)(t[j + 1], v_load(g729_lsp_code1_t[j + 1] + k));
            vec l = V(unpacklo_epi16)(d0, d1), h = V(unpackhi_epi16)(d0, d1);
            low = v_add_distance(low, V(madd_epi16)(l, l));
            high = v_add_distance(high, V(madd_epi16)(h, h));
        }
        lane_indices(k, &index0, &index1);
        keep_smaller(&min0, &best0, V(min_epu32)(low, limit), index0);
        keep_smaller(&min1, &best1, V(min_epu32)(high, limit), index1);
    }
    uint32_t value[LANES], index[LANES];
    v_store(value, min0);
    v_store(value + LANES / 2, min1);
    v_store(index, best0);
    v_store(index + LANES / 2, best1);
    return first_smallest(value, index, LANES);
}

static inline int lsf_second_stage(const int16_t *target, const int16_t *base, const int16_t *w, int from)
{
    vec limit = V(set1_epi32)(1 << 30), min0 = limit, min1 = limit, best0 = v_zero(), best1 = best0;
    for (int k = 0; k < 32; k += LANES) {
        vec low = v_zero(), high = low, index0, index1, d[6], wd[6];
        for (int j = 0; j < 5; j++) {
            int i = from + j;
            d[j] = V(subs_epi16)(V(set1_epi16)(sub16(target[i], base[i])), v_load(g729_lsp_code2_t[i] + k));
            wd[j] = v_mult16(V(set1_epi16)(w[i]), d[j]);
        }
        d[5] = wd[5] = v_zero();
        for (int j = 0; j < 6; j += 2) {
            low = v_add_distance(low, V(madd_epi16)(V(unpacklo_epi16)(d[j], d[j + 1]),
                                                    V(unpacklo_epi16)(wd[j], wd[j + 1])));
            high = v_add_distance(high, V(madd_epi16)(V(unpackhi_epi16)(d[j], d[j + 1]),
                                                      V(unpackhi_epi16)(wd[j], wd[j + 1])));
        }
        lane_indices(k, &index0, &index1);
        keep_smaller(&min0, &best0, V(min_epu32)(low, limit), index0);
        keep_smaller(&min1, &best1, V(min_epu32)(high, limit), index1);
    }
    uint32_t value[LANES], index[LANES];
    v_store(value, min0);
    v_store(value + LANES / 2, min1);
    v_store(index, best0);
    v_store(index + LANES / 2, best1);
    return first_smallest(value, index, LANES);
}

/* Eight outputs of a filter over pairs of taps: sum of pair[p] . (x[2 p + step], x[2 p]) with the given direction. */
G729_INLINE __m128i fir_8(const int16_t *x, const int32_t *pair, int pairs, int direction, int32_t half, int shift)
{
    __m128i low = _mm_set1_epi32(half), high = low;
    for (int p = 0; p < pairs; p++) {
        __m128i a = _mm_loadu_si128((const void *)(x + direction * 2 * p));
        __m128i b = _mm_loadu_si128((const void *)(x + direction * (2 * p + 1)));
        __m128i c = _mm_set1_epi32(pair[p]);
        low = _mm_add_epi32(low, _mm_madd_epi16(_mm_unpacklo_epi16(a, b), c));
        high = _mm_add_epi32(high, _mm_madd_epi16(_mm_unpackhi_epi16(a, b), c));
    }
    return _mm_packs_epi32(_mm_srai_epi32(low, shift), _mm_srai_epi32(high, shift));
}

#if G729_VECTOR == 32
G729_INLINE __m256i fir_16(const int16_t *x, const int32_t *pair, int pairs, int direction, int32_t half, int shift)
{
    __m256i low = _mm256_set1_epi32(half), high = low;
    for (int p = 0; p < pairs; p++) {
        __m256i a = _mm256_loadu_si256((const void *)(x + direction * 2 * p));
        __m256i b = _mm256_loadu_si256((const void *)(x + direction * (2 * p + 1)));
        __m256i c = _mm256_set1_epi32(pair[p]);
        low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), c));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), c));
    }
    return _mm256_packs_epi32(_mm256_srai_epi32(low, shift), _mm256_srai_epi32(high, shift));
}
#endif

/* Two taps as the 32 bit word that pmaddwd wants, the first in the low half. */
G729_INLINE int32_t tap_pair(int16_t a, int16_t b) { return (int32_t)((uint32_t)(uint16_t)b << 16 | (uint16_t)a); }

/* Bound on a sum of products of a[0..10] with samples. */
G729_INLINE int64_t coefficient_sum(const int16_t a[COEFS])
{
    int sum = 0;
    for (int i = 0; i < COEFS; i++)
        sum += a[i] < 0 ? -a[i] : a[i];
    return sum;
}

/* With the sum below 2^30, shifting by 3, saturating and rounding is one shift by 12 and a clamp. */
static inline void lp_residual(const int16_t a[COEFS], const int16_t *x, int16_t *y)
{
    if (coefficient_sum(a) * max_abs(x - 16, 56) >= 1 << 30) {
        plain_residual(a, x, y);
        return;
    }
    int32_t pair[6];
    for (int p = 0; p < 5; p++)
        pair[p] = tap_pair(a[2 * p], a[2 * p + 1]);
    pair[5] = tap_pair(a[10], 0);
    int n = 0;
#if G729_VECTOR == 32
    for (; n < 32; n += 16)
        _mm256_storeu_si256((void *)(y + n), fir_16(x + n, pair, 6, -1, 0x800, 12));
#endif
    for (; n < SUBFRAME; n += 8)
        _mm_storeu_si128((void *)(y + n), fir_8(x + n, pair, 6, -1, 0x800, 12));
}

/* 1 / A(z) in plain integers, four samples at a time: what the samples before the last four contribute comes from
 * products of pairs, well before it is needed; the chain from sample to sample is then one product long.
 *
 * x is read in whole fours. Returns 0 when a sum may have reached 2^30 on the way: the results are then to be made
 * again by the plain form. A first overflow can only come from values that are still right, so the bound over all
 * values finds it. */
G729_INLINE int synthesis_unguarded(const int16_t a[COEFS], const int16_t *x, int16_t *y, int length,
                                    const int16_t mem[ORDER])
{
    int16_t buffer[16 + FRAME] = {0}, tap[16] = {0};
    int16_t *past = buffer + 16;
    for (int i = 0; i < COEFS; i++)
        tap[i] = a[i];
    for (int i = 0; i < ORDER; i++)
        past[i - ORDER] = mem[i];
    /* Lane j of pair p: the taps of output j on samples 6 + 2 p and 5 + 2 p before the block. */
    __m128i old[3];
    for (int p = 0; p < 3; p++) {
        int k = 5 + 2 * p;
        const int16_t *t = tap + k;
        old[p] = _mm_setr_epi16(t[1], t[0], t[2], t[1], t[3], t[2], t[4], t[3]);
    }
    const int32_t a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5], a6 = a[6], a7 = a[7];
    int32_t y1 = past[-1], y2 = past[-2], y3 = past[-3], y4 = past[-4];
    __m128i last = _mm_loadl_epi64((const void *)(past - 4)), second = _mm_loadl_epi64((const void *)(past - 8));
    __m128i third = _mm_loadl_epi64((const void *)(past - 12));
    for (int n = 0; n < length; n += 4) {
        int32_t sum[4];
        __m128i s = _mm_madd_epi16(_mm_shuffle_epi32(second, 0x55), old[0]);
        s = _mm_add_epi32(s, _mm_madd_epi16(_mm_shuffle_epi32(second, 0x00), old[1]));
        s = _mm_add_epi32(s, _mm_madd_epi16(_mm_shuffle_epi32(third, 0x55), old[2]));
        __m128i in = _mm_cvtepi16_epi32(_mm_loadl_epi64((const void *)(x + n)));
        in = _mm_mullo_epi32(in, _mm_set1_epi32(tap[0]));
        _mm_storeu_si128((void *)sum, _mm_sub_epi32(_mm_add_epi32(in, _mm_set1_epi32(0x800)), s));
        uint32_t t0 = (uint32_t)sum[0] - (uint32_t)(a4 * y4) - (uint32_t)(a3 * y3) - (uint32_t)(a2 * y2);
        uint32_t t1 = (uint32_t)sum[1] - (uint32_t)(a5 * y4) - (uint32_t)(a4 * y3) - (uint32_t)(a3 * y2);
        uint32_t t2 = (uint32_t)sum[2] - (uint32_t)(a6 * y4) - (uint32_t)(a5 * y3) - (uint32_t)(a4 * y2);
        uint32_t t3 = (uint32_t)sum[3] - (uint32_t)(a7 * y4) - (uint32_t)(a6 * y3) - (uint32_t)(a5 * y2);
        int32_t z0 = sat16((int32_t)(t0 - (uint32_t)(a1 * y1)) >> 12);
        int32_t z1 = sat16((int32_t)(t1 - (uint32_t)(a2 * y1) - (uint32_t)(a1 * z0)) >> 12);
        int32_t z2 = sat16((int32_t)(t2 - (uint32_t)(a3 * y1) - (uint32_t)(a2 * z0) - (uint32_t)(a1 * z1)) >> 12);
        int32_t z3 = sat16((int32_t)(t3 - (uint32_t)(a4 * y1) - (uint32_t)(a3 * z0) - (uint32_t)(a2 * z1) -
                                     (uint32_t)(a1 * z2)) >> 12);
        uint64_t four = (uint16_t)z0 | (uint64_t)(uint16_t)z1 << 16;
        four |= (uint64_t)(uint16_t)z2 << 32 | (uint64_t)(uint16_t)z3 << 48;
        third = second;
        second = last;
        last = _mm_cvtsi64_si128((int64_t)four);
        _mm_storel_epi64((void *)(past + n), last);
        y4 = z0;
        y3 = z1;
        y2 = z2;
        y1 = z3;
    }
    int top = max_abs(buffer, 16 + (length + 7) / 8 * 8), input = 0, n = 0;
    for (; n + 8 <= length; n += 8)
        _mm_storeu_si128((void *)(y + n), _mm_loadu_si128((const void *)(past + n)));
    for (; n < length; n++)
        y[n] = past[n];
    n = length & ~7;
    input = max_abs(x, n);
    for (; n < length; n++) {
        int m = x[n] < 0 ? -x[n] : x[n];
        input = m > input ? m : input;
    }
    return coefficient_sum(a) * (top > input ? top : input) < 1 << 30;
}

static inline void synthesis_filter(const int16_t a[COEFS], const int16_t *x, int16_t *y, int length,
                                    const int16_t mem[ORDER])
{
    if (!synthesis_unguarded(a, x, y, length, mem))
        plain_synthesis_of(a, x, y, length, mem);
}

/* Outputs at the ends of the range may come from saturation: the plain form then tells. */
static inline int synthesis_overflows(const int16_t a[COEFS], const int16_t *x, int16_t *y, const int16_t mem[ORDER])
{
    if (synthesis_unguarded(a, x, y, SUBFRAME, mem) && max_abs(y, SUBFRAME) < 32767)
        return 0;
    return plain_synthesis_of(a, x, y, SUBFRAME, mem);
}

static inline void impulse_and_target(const int16_t ap[COEFS], const int16_t *r, const int16_t mem[ORDER], int16_t *h,
                                      int16_t *target)
{
    static const int16_t zero[ORDER];
    int16_t unit[SUBFRAME] = {4096};
    synthesis_filter(ap, unit, h, SUBFRAME, zero);
    synthesis_filter(ap, r, target, SUBFRAME, mem);
}

/* A.3.4: correlations of the even samples with even and odd ones, delayed. */
#define pitch_correlation plain_pitch_correlation

static inline void pitch_correlations(const int16_t *x, int32_t *r)
{
    enum { PAST = 72, SPAN = PAST + 40 };
    int16_t even[SPAN + 16], odd[SPAN + 16];
    /* x[-144] does not exist: its place is taken by a zero that no delay reads. */
    even[0] = 0;
    odd[0] = x[-143];
    for (int i = 1; i < SPAN; i++) {
        even[i] = x[2 * (i - PAST)];
        odd[i] = x[2 * (i - PAST) + 1];
    }
    const int16_t *e = even + PAST, *o = odd + PAST;
    uint64_t now = energy_64(e, 40), all_even = energy_64(even, SPAN), all_odd = energy_64(odd, SPAN);
    if (!products_fit(now, all_even > all_odd ? all_even : all_odd)) {
        plain_pitch_correlations(x, r);
        return;
    }
    for (int m = 10; m < 72; m++)
        r[2 * m] = 2 * dot40_unguarded(e, e - m);
    for (int m = 10; m < 40; m++)
        r[2 * m + 1] = 2 * dot40_unguarded(e, o - m - 1);
}

static inline int32_t dot40_from(int32_t s, const int16_t *a, const int16_t *b)
{
    uint64_t energy = energy_64(a, SUBFRAME);
    if (!products_fit(energy, a == b ? energy : energy_64(b, SUBFRAME)))
        return plain_dot40_from(s, a, b);
    return s + 2 * dot40_unguarded(a, b);
}

static inline int32_t dot40_of(int32_t s, const int16_t *a, const int16_t *b, int *overflow)
{
    uint64_t energy = energy_64(a, SUBFRAME);
    if (!products_fit(energy, a == b ? energy : energy_64(b, SUBFRAME)))
        return plain_dot40_of(s, a, b, overflow);
    *overflow = 0;
    return s + 2 * dot40_unguarded(a, b);
}

/* Half of 2^31 over forty products bounds the samples, whatever their signs. */
static inline void lag_correlations(const int16_t *a, const int16_t *x, int lag_min, int lag_max, int32_t *r)
{
    /* x[-lag_max] to x[39 - lag_min], and up to seven samples before it. */
    int span = (SUBFRAME + lag_max - lag_min + 7) & ~7;
    if ((int64_t)sum_abs(a, SUBFRAME) * max_abs(x + SUBFRAME - lag_min - span, span) >= 1 << 30) {
        plain_lag_correlations(a, x, lag_min, lag_max, r);
        return;
    }
    for (int t = lag_min; t <= lag_max; t++)
        r[t - lag_min] = 2 * dot40_unguarded(a, x - t);
}

/* Lane k of vector n makes sample 8 n + k, with a seed that is twelve draws after the lane before it. A draw is seed *
 * 31821 + 13849 modulo 2^16, and so are twelve, or ninety-six, draws at once with other constants. */
static inline void gaussian_samples(int16_t *seed, int16_t *out)
{
    enum { DRAWS = 12, VECTORS = SUBFRAME / 8 };
    __m128i draw[VECTORS], low[VECTORS], high[VECTORS];
    const __m128i factor = _mm_set1_epi16(31821), step = _mm_set1_epi16(13849);
    const __m128i factors = _mm_setr_epi16(1, 16561, -1439, 23825, -26431, -8847, 23329, 16849);
    const __m128i steps = _mm_setr_epi16(0, -8188, -15672, -29620, -8048, 9108, 31064, -14884);
    draw[0] = _mm_add_epi16(_mm_mullo_epi16(_mm_set1_epi16(*seed), factors), steps);
    for (int n = 0; n < VECTORS; n++) {
        if (n > 0)
            draw[n] = _mm_add_epi16(_mm_mullo_epi16(draw[n - 1], _mm_set1_epi16(-15999)), _mm_set1_epi16(-21216));
        low[n] = high[n] = _mm_setzero_si128();
    }
    for (int i = 0; i < DRAWS; i++)
#pragma GCC unroll 5
        for (int n = 0; n < VECTORS; n++) {
            draw[n] = _mm_add_epi16(_mm_mullo_epi16(draw[n], factor), step);
            low[n] = _mm_add_epi32(low[n], _mm_cvtepi16_epi32(draw[n]));
            high[n] = _mm_add_epi32(high[n], _mm_cvtepi16_epi32(_mm_srli_si128(draw[n], 8)));
        }
    for (int n = 0; n < VECTORS; n++)
        _mm_storeu_si128((void *)(out + 8 * n), _mm_packs_epi32(_mm_srai_epi32(low[n], 7), _mm_srai_epi32(high[n], 7)));
    *seed = (int16_t)_mm_extract_epi16(draw[VECTORS - 1], 7);
}

static inline void backward_filter(const int16_t *h, const int16_t *x, int16_t *d)
{
    if (!products_fit(energy_64(h, SUBFRAME), energy_64(x, SUBFRAME))) {
        plain_backward_filter(h, x, d);
        return;
    }
    int16_t padded[SUBFRAME + 40 + 16] = {0};
    int32_t y[48];
    __m128i max = _mm_setzero_si128();
    for (int i = 0; i < SUBFRAME; i++)
        padded[i] = x[i];
    for (int i = 0; i < SUBFRAME; i += LANES) {
        vec low = v_zero(), high = low;
        for (int k = 0; k < SUBFRAME - i; k += 2) {
            vec a = v_load(padded + i + k), b = v_load(padded + i + k + 1);
            vec c = V(set1_epi32)(tap_pair(h[k], h[k + 1]));
            low = V(add_epi32)(low, V(madd_epi16)(V(unpacklo_epi16)(a, b), c));
            high = V(add_epi32)(high, V(madd_epi16)(V(unpackhi_epi16)(a, b), c));
        }
#if G729_VECTOR == 32
        v_store(y + i, _mm256_permute2x128_si256(low, high, 0x20));
        v_store(y + i + 8, _mm256_permute2x128_si256(low, high, 0x31));
#else
        v_store(y + i, low);
        v_store(y + i + 4, high);
#endif
    }
    for (int i = 0; i < SUBFRAME; i += 4)
        max = _mm_max_epi32(max, _mm_abs_epi32(_mm_loadu_si128((const void *)(y + i))));
    max = _mm_max_epi32(max, _mm_shuffle_epi32(max, 0x4e));
    max = _mm_max_epi32(max, _mm_shuffle_epi32(max, 0xb1));
    int top = norm32(2 * _mm_cvtsi128_si32(max));
    int shift = 17 - (top > 16 ? 16 : top);
    for (int i = 0; i < SUBFRAME; i += 8) {
        __m128i a = _mm_loadu_si128((const void *)(y + i)), b = _mm_loadu_si128((const void *)(y + i + 4));
        _mm_storeu_si128((void *)(d + i), _mm_packs_epi32(_mm_sra_epi32(a, _mm_cvtsi32_si128(shift)),
                                                          _mm_sra_epi32(b, _mm_cvtsi32_si128(shift))));
    }
}

/* Each output reads at most to ten samples after x[n], and the delay is at least 19: eight at once are always safe. */
static inline void interpolate_pitch(const int16_t *x, const int16_t taps[20], int16_t *out)
{
    int32_t pair[INTERP];
    for (int p = 0; p < INTERP; p++)
        pair[p] = tap_pair(taps[2 * p], taps[2 * p + 1]);
    const int16_t *from = x - (INTERP - 1);
    int n = 0;
#if G729_VECTOR == 32
    if (out - x > 26)
        for (; n < 32; n += 16)
            _mm256_storeu_si256((void *)(out + n), fir_16(from + n, pair, INTERP, 1, 0x4000, 15));
#endif
    for (; n < SUBFRAME; n += 8)
        _mm_storeu_si128((void *)(out + n), fir_8(from + n, pair, INTERP, 1, 0x4000, 15));
    int top = max_abs(from, 56), made = max_abs(out, SUBFRAME), sum = sum_abs(taps, 16);
    for (int i = 16; i < 20; i++)
        sum += taps[i] < 0 ? -taps[i] : taps[i];
    if ((int64_t)(top > made ? top : made) * sum >= 1 << 30)
        plain_interpolate_pitch(x, taps, out);
}

/* |exc gp| + |code gc| stays below 2^31, since the code vector never exceeds 14745: only the clamp remains. */
static inline void build_excitation(int16_t *exc, const int16_t *code, int16_t gain_pitch, int16_t gain_code)
{
    __m128i gains = _mm_set1_epi32(tap_pair(gain_pitch, gain_code)), half = _mm_set1_epi32(0x2000);
    for (int n = 0; n < SUBFRAME; n += 8) {
        __m128i e = _mm_loadu_si128((const void *)(exc + n)), c = _mm_loadu_si128((const void *)(code + n));
        __m128i low = _mm_add_epi32(_mm_madd_epi16(_mm_unpacklo_epi16(e, c), gains), half);
        __m128i high = _mm_add_epi32(_mm_madd_epi16(_mm_unpackhi_epi16(e, c), gains), half);
        _mm_storeu_si128((void *)(exc + n), _mm_packs_epi32(_mm_srai_epi32(low, 14), _mm_srai_epi32(high, 14)));
    }
}

/* l_add of lanes. */
G729_INLINE __m128i add_saturating(__m128i a, __m128i b)
{
    __m128i s = _mm_add_epi32(a, b);
    __m128i over = _mm_andnot_si128(_mm_xor_si128(a, b), _mm_xor_si128(a, s));
    __m128i limit = _mm_xor_si128(_mm_srai_epi32(a, 31), _mm_set1_epi32(MAX_32));
    return _mm_castps_si128(_mm_blendv_ps(_mm_castsi128_ps(s), _mm_castsi128_ps(limit), _mm_castsi128_ps(over)));
}

/* mpy_32_16 of one word with four factors, none of which is -32768. */
G729_INLINE __m128i mpy_4(dpf a, __m128i n)
{
    __m128i high = _mm_madd_epi16(_mm_set1_epi32((uint16_t)a.hi), n);
    __m128i low = _mm_srai_epi32(_mm_madd_epi16(_mm_set1_epi32((uint16_t)a.lo), n), 15);
    return _mm_slli_epi32(_mm_add_epi32(high, low), 1);
}

/* Four candidates of GB at a time against each of GA. The products of gains are positive but for a wrapped prediction,
 * which is left to the plain form. */
static inline void gain_search(const dpf coef[5], int16_t predicted, int first_a, int first_b, int tame, int *best_a,
                               int *best_b)
{
    if (predicted < 0) {
        plain_gain_search(coef, predicted, first_a, first_b, tame, best_a, best_b);
        return;
    }
    const __m128i mask = _mm_set1_epi32(0xffff);
    __m128i min = _mm_set1_epi32(MAX_32), best = _mm_setzero_si128(), number = _mm_setr_epi32(0, 1, 2, 3);
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 8; b += 4) {
            __m128i row = _mm_loadu_si128((const void *)g729_gain_code_b[first_b + b]);
            __m128i gp = _mm_add_epi32(_mm_and_si128(row, mask), _mm_set1_epi32(g729_gain_code_a[first_a + a][0]));
            __m128i gc = _mm_add_epi32(_mm_srli_epi32(row, 16), _mm_set1_epi32(g729_gain_code_a[first_a + a][1]));
            gc = _mm_srli_epi32(_mm_madd_epi16(_mm_srli_epi32(gc, 1), _mm_set1_epi32(predicted)), 15);
            __m128i t = mpy_4(coef[0], _mm_srli_epi32(_mm_madd_epi16(gp, gp), 15));
            t = add_saturating(t, mpy_4(coef[1], gp));
            t = add_saturating(t, mpy_4(coef[2], _mm_srli_epi32(_mm_madd_epi16(gc, gc), 15)));
            t = add_saturating(t, mpy_4(coef[3], gc));
            t = add_saturating(t, mpy_4(coef[4], _mm_srli_epi32(_mm_madd_epi16(gc, gp), 15)));
            __m128i less = _mm_cmpgt_epi32(min, t);
            if (tame)
                less = _mm_and_si128(less, _mm_cmpgt_epi32(_mm_set1_epi32(16383), gp));
            min = _mm_blendv_epi8(min, t, less);
            best = _mm_blendv_epi8(best, _mm_add_epi32(number, _mm_set1_epi32(8 * a + b)), less);
        }
    int32_t value[4], index[4];
    _mm_storeu_si128((void *)value, min);
    _mm_storeu_si128((void *)index, best);
    int lane = 0;
    for (int i = 1; i < 4; i++)
        if (value[i] < value[lane] || (value[i] == value[lane] && index[i] < index[lane]))
            lane = i;
    /* Lanes that never found anything below the start hold candidate 0, as the plain form does. */
    *best_a = first_a + (index[lane] >> 3);
    *best_b = first_b + (index[lane] & 7);
}

/* The gain stays below 2^15 by itself: 0.9 of it and a tenth. Shifting by 3, saturating and taking the high half is
 * one shift by 12 and a clamp. */
static inline int16_t ramp_gain(int16_t *out, int16_t gain, int16_t g0)
{
    int16_t gains[SUBFRAME];
    int32_t g = gain;
    for (int i = 0; i < SUBFRAME; i++)
        gains[i] = (int16_t)(g = ((g * 29491) >> 15) + g0);
    for (int i = 0; i < SUBFRAME; i += 8) {
        __m128i x = _mm_loadu_si128((const void *)(out + i)), k = _mm_loadu_si128((const void *)(gains + i));
        __m128i l = _mm_mullo_epi16(x, k), h = _mm_mulhi_epi16(x, k);
        _mm_storeu_si128((void *)(out + i), _mm_packs_epi32(_mm_srai_epi32(_mm_unpacklo_epi16(l, h), 12),
                                                            _mm_srai_epi32(_mm_unpackhi_epi16(l, h), 12)));
    }
    return (int16_t)g;
}

#endif
