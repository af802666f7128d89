/* SPDX-License-Identifier: Apache-2.0
 *
 * The basic operators of clause 5.2 (Table 11): 16 and 32 bit arithmetic that saturates instead of wrapping.
 *
 * Every block is written with these, since the Recommendation defines the codec by them. A 32 bit value of double
 * precision format (a `dpf`) is held as hi * 2^16 + lo * 2. Where the reference looks at its overflow flag, the
 * operators that end in `_of` raise one that the caller owns, so that no state is shared.
 */
#ifndef SWITCHROOM_G729_FIXED_H
#define SWITCHROOM_G729_FIXED_H

#include <stdint.h>

#define G729_INLINE static inline __attribute__((always_inline, unused))

#define MAX_16 ((int16_t)32767)
#define MIN_16 ((int16_t)-32768)
#define MAX_32 ((int32_t)2147483647)
#define MIN_32 ((int32_t)(-2147483647 - 1))

typedef struct dpf {
    int16_t hi, lo;
} dpf;

G729_INLINE int16_t sat16(int32_t x) { return (int16_t)(x > 32767 ? 32767 : x < -32768 ? -32768 : x); }
G729_INLINE int32_t sat32(int64_t x) { return (int32_t)(x > MAX_32 ? MAX_32 : x < MIN_32 ? MIN_32 : x); }
G729_INLINE int16_t high16(int32_t x) { return (int16_t)(x >> 16); }
G729_INLINE int16_t low16(int32_t x) { return (int16_t)x; }
G729_INLINE int32_t deposit_high(int16_t x) { return (int32_t)x * 65536; }

G729_INLINE int16_t add16(int16_t a, int16_t b) { return sat16((int32_t)a + b); }
G729_INLINE int16_t sub16(int16_t a, int16_t b) { return sat16((int32_t)a - b); }
G729_INLINE int16_t neg16(int16_t a) { return sat16(-(int32_t)a); }
G729_INLINE int16_t abs16(int16_t a) { return a < 0 ? neg16(a) : a; }
G729_INLINE int16_t mult16(int16_t a, int16_t b) { return sat16(((int32_t)a * b) >> 15); }
G729_INLINE int16_t mult_r16(int16_t a, int16_t b) { return sat16(((int32_t)a * b + 0x4000) >> 15); }

G729_INLINE int16_t shl16(int16_t x, int n)
{
    if (n < 0)
        return (int16_t)(x >> (n < -15 ? 15 : -n));
    if (n > 15)
        return (int16_t)(x == 0 ? 0 : x > 0 ? MAX_16 : MIN_16);
    return sat16((int32_t)x * (1 << n));
}
G729_INLINE int16_t shr16(int16_t x, int n) { return shl16(x, -n); }
G729_INLINE int16_t shr_r16(int16_t x, int n)
{
    if (n > 15)
        return 0;
    int16_t y = shr16(x, n);
    return (int16_t)(n > 0 && (x & (1 << (n - 1))) ? y + 1 : y);
}

G729_INLINE int32_t l_add(int32_t a, int32_t b)
{
    int32_t s;
    return __builtin_add_overflow(a, b, &s) ? (a < 0 ? MIN_32 : MAX_32) : s;
}
G729_INLINE int32_t l_sub(int32_t a, int32_t b)
{
    int32_t s;
    return __builtin_sub_overflow(a, b, &s) ? (a < 0 ? MIN_32 : MAX_32) : s;
}
G729_INLINE int32_t l_mult(int16_t a, int16_t b)
{
    int32_t p = (int32_t)a * b;
    return p == 0x40000000 ? MAX_32 : p * 2;
}
G729_INLINE int32_t l_mac(int32_t acc, int16_t a, int16_t b) { return l_add(acc, l_mult(a, b)); }
G729_INLINE int32_t l_msu(int32_t acc, int16_t a, int16_t b) { return l_sub(acc, l_mult(a, b)); }
G729_INLINE int32_t l_neg(int32_t a) { return a == MIN_32 ? MAX_32 : -a; }
G729_INLINE int32_t l_abs(int32_t a) { return a < 0 ? l_neg(a) : a; }

G729_INLINE int32_t l_shl(int32_t x, int n)
{
    if (n < 0)
        return x >> (n < -31 ? 31 : -n);
    if (n > 31)
        return x == 0 ? 0 : x > 0 ? MAX_32 : MIN_32;
    return sat32((int64_t)x * ((int64_t)1 << n));
}
G729_INLINE int32_t l_shr(int32_t x, int n) { return l_shl(x, -n); }
G729_INLINE int32_t l_shr_r(int32_t x, int n)
{
    if (n > 31)
        return 0;
    int32_t y = l_shr(x, n);
    return n > 0 && ((uint32_t)x & ((uint32_t)1 << (n - 1))) ? y + 1 : y;
}
G729_INLINE int16_t round16(int32_t x) { return high16(l_add(x, 0x8000)); }

G729_INLINE int norm16(int16_t x)
{
    if (x == 0)
        return 0;
    int32_t m = x < 0 ? ~(int32_t)x : x;
    return m == 0 ? 15 : __builtin_clz((uint32_t)m) - 17;
}
G729_INLINE int norm32(int32_t x)
{
    if (x == 0)
        return 0;
    int32_t m = x < 0 ? ~x : x;
    return m == 0 ? 31 : __builtin_clz((uint32_t)m) - 1;
}

/* a / b in Q15 for 0 <= a <= b; outside of that (where the reference would stop) the nearest sensible value. */
G729_INLINE int16_t div16(int16_t a, int16_t b)
{
    if (a <= 0 || b <= 0)
        return 0;
    if (a >= b)
        return MAX_16;
    return (int16_t)((uint32_t)a * 32768u / (uint32_t)b);
}

G729_INLINE int32_t l_add_of(int32_t a, int32_t b, int *overflow)
{
    int32_t s;
    if (!__builtin_add_overflow(a, b, &s))
        return s;
    *overflow = 1;
    return a < 0 ? MIN_32 : MAX_32;
}
G729_INLINE int32_t l_mult_of(int16_t a, int16_t b, int *overflow)
{
    int32_t p = (int32_t)a * b;
    if (p != 0x40000000)
        return p * 2;
    *overflow = 1;
    return MAX_32;
}
G729_INLINE int32_t l_mac_of(int32_t acc, int16_t a, int16_t b, int *overflow)
{
    return l_add_of(acc, l_mult_of(a, b, overflow), overflow);
}
G729_INLINE int32_t l_msu_of(int32_t acc, int16_t a, int16_t b, int *overflow)
{
    int32_t s, p = l_mult_of(a, b, overflow);
    if (!__builtin_sub_overflow(acc, p, &s))
        return s;
    *overflow = 1;
    return acc < 0 ? MIN_32 : MAX_32;
}
G729_INLINE int32_t l_shl_of(int32_t x, int n, int *overflow)
{
    int32_t y = l_shl(x, n);
    *overflow |= (y >> n) != x;
    return y;
}
G729_INLINE int16_t add16_of(int16_t a, int16_t b, int *overflow)
{
    int32_t s = (int32_t)a + b;
    *overflow |= s != (int16_t)s;
    return sat16(s);
}
G729_INLINE int16_t sub16_of(int16_t a, int16_t b, int *overflow)
{
    int32_t s = (int32_t)a - b;
    *overflow |= s != (int16_t)s;
    return sat16(s);
}

/* Double precision format. */

G729_INLINE dpf split32(int32_t x) { return (dpf){high16(x), (int16_t)((x & 0xffff) >> 1)}; }
G729_INLINE int32_t join32(dpf x) { return l_mac(deposit_high(x.hi), x.lo, 1); }

/* Only halves close to -1 and 1 can saturate on the way. */
G729_INLINE int32_t mpy_32(dpf a, dpf b)
{
    if ((unsigned)(a.hi + 32000) < 64000u)
        return (a.hi * b.hi + ((a.hi * b.lo) >> 15) + ((a.lo * b.hi) >> 15)) * 2;
    int32_t y = l_mult(a.hi, b.hi);
    y = l_mac(y, mult16(a.hi, b.lo), 1);
    return l_mac(y, mult16(a.lo, b.hi), 1);
}
/* Only -1 times -1 can saturate. */
G729_INLINE int32_t mpy_32_16(dpf a, int16_t n)
{
    if (n != MIN_16)
        return (a.hi * n + ((a.lo * n) >> 15)) * 2;
    return l_mac(l_mult(a.hi, n), mult16(a.lo, n), 1);
}
/* The same of a whole word: split32 and mpy_32_16 are one product of 64 bits. */
G729_INLINE int32_t mpy_word_16(int32_t a, int16_t n) { return (int32_t)(((int64_t)(a >> 1) * n) >> 15) * 2; }

/* num / den in Q31 for 0 <= num < den, den normalised: one Newton step from a 16 bit quotient. */
G729_INLINE int32_t div_32(int32_t num, dpf den)
{
    int16_t approx = div16(0x3fff, den.hi);
    dpf inverse = split32(mpy_32_16(split32(l_sub(MAX_32, mpy_32_16(den, approx))), approx));
    return l_shl(mpy_32(split32(num), inverse), 2);
}

#endif
