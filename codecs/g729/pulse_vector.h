/* SPDX-License-Identifier: Apache-2.0
 *
 * The pulse search of A.3.8.1 on vectors: each track of eight positions is one vector of eight 32 bit lanes.
 *
 * The search keeps the candidate with the largest square / energy, compared by cross products and the first of equals.
 * For positive energies that is a total order, so lanes may be compared in any order; should any energy not be
 * positive, the plain search is asked instead. Energies stay below 2^15, since a sequence of forty samples has no
 * normalised correlation above cos(pi / 41) with itself.
 */
#ifndef SWITCHROOM_G729_PULSE_VECTOR_H
#define SWITCHROOM_G729_PULSE_VECTOR_H

#include "kernels.h"
#include "vector.h"

#if G729_VECTOR == 32
typedef __m256i oct;
#define O2(name, op) G729_INLINE oct oct_##name(oct a, oct b) { return _mm256_##op(a, b); }
#define OSHIFT(name, op) G729_INLINE oct oct_##name(oct a, int n) { return _mm256_##op(a, n); }
G729_INLINE oct oct_set(int32_t x) { return _mm256_set1_epi32(x); }
G729_INLINE oct oct_load(const int32_t *p) { return _mm256_loadu_si256((const void *)p); }
G729_INLINE void oct_store(int32_t *p, oct a) { _mm256_storeu_si256((void *)p, a); }
G729_INLINE oct oct_signed(__m128i a) { return _mm256_cvtepi16_epi32(a); }
G729_INLINE oct oct_unsigned(__m128i a) { return _mm256_cvtepu16_epi32(a); }
G729_INLINE oct oct_blend(oct a, oct b, oct mask) { return _mm256_blendv_epi8(a, b, mask); }
G729_INLINE __m128i oct_pack(oct a)
{
    return _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}
/* Lane i takes lane i + 1, the last one zero. */
G729_INLINE oct oct_down(oct a)
{
    return _mm256_alignr_epi8(_mm256_permute2x128_si256(a, a, 0x81), a, 4);
}
G729_INLINE oct oct_swap16(oct a) { return _mm256_or_si256(_mm256_slli_epi32(a, 16), _mm256_srli_epi32(a, 16)); }
#else
typedef struct oct {
    __m128i l, h;
} oct;
#define O2(name, op) \
    G729_INLINE oct oct_##name(oct a, oct b) { return (oct){_mm_##op(a.l, b.l), _mm_##op(a.h, b.h)}; }
#define OSHIFT(name, op) \
    G729_INLINE oct oct_##name(oct a, int n) { return (oct){_mm_##op(a.l, n), _mm_##op(a.h, n)}; }
G729_INLINE oct oct_set(int32_t x) { return (oct){_mm_set1_epi32(x), _mm_set1_epi32(x)}; }
G729_INLINE oct oct_load(const int32_t *p)
{
    return (oct){_mm_loadu_si128((const void *)p), _mm_loadu_si128((const void *)(p + 4))};
}
G729_INLINE void oct_store(int32_t *p, oct a)
{
    _mm_storeu_si128((void *)p, a.l);
    _mm_storeu_si128((void *)(p + 4), a.h);
}
G729_INLINE oct oct_signed(__m128i a) { return (oct){_mm_cvtepi16_epi32(a), _mm_cvtepi16_epi32(_mm_srli_si128(a, 8))}; }
G729_INLINE oct oct_unsigned(__m128i a)
{
    return (oct){_mm_cvtepu16_epi32(a), _mm_cvtepu16_epi32(_mm_srli_si128(a, 8))};
}
G729_INLINE oct oct_blend(oct a, oct b, oct mask)
{
    return (oct){_mm_blendv_epi8(a.l, b.l, mask.l), _mm_blendv_epi8(a.h, b.h, mask.h)};
}
G729_INLINE __m128i oct_pack(oct a) { return _mm_packs_epi32(a.l, a.h); }
G729_INLINE oct oct_down(oct a) { return (oct){_mm_alignr_epi8(a.h, a.l, 4), _mm_srli_si128(a.h, 4)}; }
G729_INLINE oct oct_swap16(oct a)
{
    return (oct){_mm_or_si128(_mm_slli_epi32(a.l, 16), _mm_srli_epi32(a.l, 16)),
                 _mm_or_si128(_mm_slli_epi32(a.h, 16), _mm_srli_epi32(a.h, 16))};
}
#endif

#if G729_VECTOR == 32
O2(or, or_si256)
#else
O2(or, or_si128)
#endif
O2(add, add_epi32)
O2(min, min_epi32)
O2(madd, madd_epi16)
O2(greater, cmpgt_epi32)
O2(sign16, sign_epi16)
OSHIFT(left, slli_epi32)
OSHIFT(right, srai_epi32)
OSHIFT(right_zero, srli_epi32)

#undef O2
#undef OSHIFT

G729_INLINE __m128i load8(const int16_t *p) { return _mm_loadu_si128((const void *)p); }

/* The correlations of kernels.h, a row at a time: phi(p, q) = phi(p + 1, q + 1) + h[39 - p] h[39 - q]. In the order of
 * the rows a vector of lags stays what it is and changes only its name, which the loop over the tracks unrolls.
 * Returns 0 when a sum may saturate. `negative` is all ones where dn is negative, by tracks. */
static inline int pulse_correlations_vector(const int16_t *response, const int16_t negative[5][8],
                                            pulse_correlations *phi)
{
    int16_t h[48];
    uint64_t energy = 2 * energy_64(response, SUBFRAME);
    if (energy > MAX_32 || high16((int32_t)energy) > 32000) {
        for (int i = 0; i < SUBFRAME; i += 8)
            _mm_storeu_si128((void *)(h + i), _mm_srai_epi16(load8(response + i), 1));
        if (energy_64(h, SUBFRAME) >= 1u << 30)
            return 0;
    } else {
        __m128i shift = _mm_cvtsi32_si128(norm32((int32_t)energy) >> 1);
        for (int i = 0; i < SUBFRAME; i += 8)
            _mm_storeu_si128((void *)(h + i), _mm_sll_epi16(load8(response + i), shift));
    }

    oct g[5], sum[5];
    int16_t reversed[5][8];
    int32_t s = 0;
    for (int n = 0; n < SUBFRAME; n++) {
        int p = SUBFRAME - 1 - n;
        reversed[p % 5][p / 5] = h[n];
        s += h[n] * h[n];
        phi->diagonal[p % 5][p / 5] = (int16_t)(s >> 15);
    }
    for (int a = 0; a < 5; a++) {
        g[a] = oct_unsigned(load8(reversed[a]));
        sum[a] = oct_set(0);
    }
    for (int j = 7; j >= 0; j--)
#pragma GCC unroll 5
        for (int b = 4; b >= 0; b--) {
            oct x = oct_set((uint16_t)h[SUBFRAME - 1 - 5 * j - b]);
            __m128i sign = _mm_set1_epi16(negative[b][j]);
#pragma GCC unroll 5
            for (int a = 0; a < 5; a++) {
                sum[a] = oct_add(sum[a], oct_madd(x, g[a]));
                if (a == b || a + b == 7)
                    continue; /* pairs within a track, and of the two tracks of the last pulse, are not needed */
                __m128i v = oct_pack(oct_right(sum[a], 15));
                __m128i m = _mm_xor_si128(sign, load8(negative[a]));
                __m128i t = _mm_sub_epi16(_mm_xor_si128(v, m), m);
                t = _mm_add_epi16(t, _mm_andnot_si128(m, _mm_cmpgt_epi16(v, _mm_setzero_si128())));
                _mm_storeu_si128((void *)phi->rows[b][j][a], t);
            }
            oct first = oct_down(sum[0]);
            sum[0] = sum[1];
            sum[1] = sum[2];
            sum[2] = sum[3];
            sum[3] = sum[4];
            sum[4] = first;
        }
    return 1;
}

/* Eight candidates: square and energy in the halves of each lane, and the plain search's order of them. */
typedef struct pulse_lanes {
    oct ratio, order;
} pulse_lanes;

/* square_a * energy_b - energy_a * square_b. */
G729_INLINE oct pulse_cross(oct a, oct b)
{
    return oct_madd(a, oct_sign16(oct_swap16(b), oct_set((int32_t)0xffff0001)));
}

G729_INLINE void keep_better(pulse_lanes *best, oct ratio, oct order)
{
    oct better = oct_greater(pulse_cross(ratio, best->ratio), oct_set(0));
    best->ratio = oct_blend(best->ratio, ratio, better);
    best->order = oct_blend(best->order, order, better);
}

G729_INLINE void merge_4(__m128i *ratio, __m128i *order, __m128i other, __m128i other_order)
{
    __m128i swapped = _mm_or_si128(_mm_slli_epi32(*ratio, 16), _mm_srli_epi32(*ratio, 16));
    __m128i d = _mm_madd_epi16(other, _mm_sign_epi16(swapped, _mm_set1_epi32((int32_t)0xffff0001)));
    __m128i take = _mm_or_si128(_mm_cmpgt_epi32(d, _mm_setzero_si128()),
                                _mm_and_si128(_mm_cmpeq_epi32(d, _mm_setzero_si128()),
                                              _mm_cmpgt_epi32(*order, other_order)));
    *ratio = _mm_blendv_epi8(*ratio, other, take);
    *order = _mm_blendv_epi8(*order, other_order, take);
}

/* The best lane, and of equal ones the one met first; its square and energy through `best`. */
G729_INLINE int best_lane(pulse_lanes lanes, pulse_pair *best)
{
#if G729_VECTOR == 32
    __m128i ratio = _mm256_castsi256_si128(lanes.ratio), order = _mm256_castsi256_si128(lanes.order);
    merge_4(&ratio, &order, _mm256_extracti128_si256(lanes.ratio, 1), _mm256_extracti128_si256(lanes.order, 1));
#else
    __m128i ratio = lanes.ratio.l, order = lanes.order.l;
    merge_4(&ratio, &order, lanes.ratio.h, lanes.order.h);
#endif
    merge_4(&ratio, &order, _mm_shuffle_epi32(ratio, 0x4e), _mm_shuffle_epi32(order, 0x4e));
    merge_4(&ratio, &order, _mm_shuffle_epi32(ratio, 0xb1), _mm_shuffle_epi32(order, 0xb1));
    int32_t r = _mm_cvtsi128_si32(ratio);
    best->square = (int16_t)r;
    best->energy = (int16_t)(r >> 16);
    return _mm_cvtsi128_si32(order);
}

/* Square of the sums and the energies as ratios; `least` gathers the smallest energy. */
G729_INLINE oct pulse_ratio(__m128i sums, oct energy, oct *least)
{
    oct s = oct_unsigned(sums);
    *least = oct_min(*least, energy);
    return oct_or(oct_right_zero(oct_madd(s, s), 15), oct_left(energy, 16));
}

G729_INLINE oct lane_numbers(void)
{
    static const int32_t numbers[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    return oct_load(numbers);
}

G729_INLINE pulse_pair pulse_first_half(const int16_t dn[5][8], const pulse_correlations *phi, int track, int other,
                                        oct *least)
{
    /* phminposuw gives the first of the smallest; no value inverted within 15 bits is as large as a lane ruled out. */
    __m128i inverted = _mm_xor_si128(load8(dn[track]), _mm_set1_epi16(MAX_16));
    int chosen[2];
    chosen[0] = _mm_extract_epi16(_mm_minpos_epu16(inverted), 1);
    __m128i number = _mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7);
    __m128i taken = _mm_cmpeq_epi16(number, _mm_set1_epi16((int16_t)chosen[0]));
    chosen[1] = _mm_extract_epi16(_mm_minpos_epu16(_mm_or_si128(inverted, taken)), 1);

    oct own = oct_add(oct_left(oct_signed(load8(phi->diagonal[other])), 13), oct_set(0x4000));
    __m128i dn_other = load8(dn[other]);
    pulse_lanes best = {oct_set(0), lane_numbers()};
    for (int n = 0; n < 2; n++) {
        int c = chosen[n];
        oct energy = oct_add(oct_add(own, oct_set(phi->diagonal[track][c] * 8192)),
                             oct_left(oct_signed(load8(phi->rows[track][c][other])), 14));
        oct ratio = pulse_ratio(_mm_adds_epi16(_mm_set1_epi16(dn[track][c]), dn_other), oct_right(energy, 15), least);
        if (n == 0)
            best.ratio = ratio;
        else
            keep_better(&best, ratio, oct_add(lane_numbers(), oct_set(8)));
    }
    pulse_pair found;
    int order = best_lane(best, &found);
    int c = chosen[order >> 3], i = order & 7;
    found.sum = add16(dn[track][c], dn[other][i]);
    found.first = 5 * c + track;
    found.second = 5 * i + other;
    return found;
}

G729_INLINE pulse_pair pulse_second_half(const int16_t dn[5][8], const pulse_correlations *phi, pulse_pair found,
                                         int track, int other, oct *least)
{
    const int16_t(*row0)[8] = phi->rows[found.first % 5][found.first / 5];
    const int16_t(*row1)[8] = phi->rows[found.second % 5][found.second / 5];
    int32_t start[8];
    int16_t sums[8];

    oct cross = oct_left(oct_add(oct_signed(load8(row0[other])), oct_signed(load8(row1[other]))), 13);
    cross = oct_add(cross, oct_add(oct_left(oct_signed(load8(phi->diagonal[other])), 12), oct_set(0x4000)));
    cross = oct_add(oct_left(oct_right(cross, 15), 14), oct_set(0x4000));

    oct energy0 = oct_left(oct_add(oct_signed(load8(row0[track])), oct_signed(load8(row1[track]))), 12);
    energy0 = oct_add(energy0, oct_left(oct_signed(load8(phi->diagonal[track])), 11));
    oct_store(start, oct_add(energy0, oct_set(found.energy * 8192)));
    _mm_storeu_si128((void *)sums, _mm_adds_epi16(_mm_set1_epi16(found.sum), load8(dn[track])));

    __m128i dn_other = load8(dn[other]);
    pulse_lanes best[2];
    oct order = lane_numbers();
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        oct energy = oct_add(cross, oct_set(start[j]));
        energy = oct_right(oct_add(energy, oct_left(oct_signed(load8(phi->rows[track][j][other])), 12)), 15);
        oct ratio = pulse_ratio(_mm_adds_epi16(_mm_set1_epi16(sums[j]), dn_other), energy, least);
        if (j < 2)
            best[j] = (pulse_lanes){ratio, order};
        else
            keep_better(&best[j & 1], ratio, order);
        order = oct_add(order, oct_set(8));
    }
    /* Two chains for speed; of equals the one met first. */
    oct d = pulse_cross(best[1].ratio, best[0].ratio);
    oct later = oct_greater(best[0].order, best[1].order);
    oct take = oct_greater(oct_add(d, oct_right_zero(later, 31)), oct_set(0));
    best[0].ratio = oct_blend(best[0].ratio, best[1].ratio, take);
    best[0].order = oct_blend(best[0].order, best[1].order, take);

    pulse_pair out;
    int o = best_lane(best[0], &out);
    out.sum = 0;
    out.first = 5 * (o >> 3) + track;
    out.second = 5 * (o & 7) + other;
    return out;
}

static inline int pulse_search(int16_t *dn, const int16_t *h, int position[4])
{
    int16_t by_track[5][8], negative[5][8];
    pulse_correlations phi;
    int signs = 0;

    for (int p = 0; p < SUBFRAME; p++)
        by_track[p % 5][p / 5] = dn[p];
    for (int a = 0; a < 5; a++) {
        __m128i x = load8(by_track[a]), m = _mm_srai_epi16(x, 15);
        _mm_storeu_si128((void *)negative[a], m);
        _mm_storeu_si128((void *)by_track[a], _mm_sub_epi16(_mm_xor_si128(x, m), m));
    }
    if (!pulse_correlations_vector(h, (const int16_t(*)[8])negative, &phi))
        return plain_pulse_search(dn, h, position);

    const int16_t(*d)[8] = (const int16_t(*)[8])by_track;
    oct least = oct_set(MAX_16);
    pulse_pair best = {-1, 1, 0, 0, 0};
    for (int i = 0; i < 4; i++)
        position[i] = i;
    for (int track = 3; track < 5; track++) {
        pulse_pair one = pulse_first_half(d, &phi, 2, track, &least);
        pulse_pair two = pulse_second_half(d, &phi, one, 0, 1, &least);
        if (pulse_better(two.square, two.energy, best.square, best.energy)) {
            best = two;
            position[0] = two.first;
            position[1] = two.second;
            position[2] = one.first;
            position[3] = one.second;
        }
        one = pulse_first_half(d, &phi, track, 0, &least);
        two = pulse_second_half(d, &phi, one, 1, 2, &least);
        if (pulse_better(two.square, two.energy, best.square, best.energy)) {
            best = two;
            position[0] = one.second;
            position[1] = two.first;
            position[2] = two.second;
            position[3] = one.first;
        }
    }
    int32_t energies[8];
    oct_store(energies, least);
    for (int i = 0; i < 8; i++)
        if (energies[i] <= 0)
            return plain_pulse_search(dn, h, position);
    for (int k = 0; k < 4; k++)
        signs |= (negative[position[k] % 5][position[k] / 5] == 0) << k;
    return signs;
}

#endif
