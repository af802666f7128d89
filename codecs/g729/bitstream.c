/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing of parameters into octets (Table 8; B.4.3 Table B.2 with the filling bit of the octet mode).
 *
 * Each parameter goes with its most significant bit first, the first bit being the highest of the first octet, as in
 * the RTP payload of RFC 3551 section 4.5.6.
 */
#include <stddef.h>

#include "state.h"

static const uint8_t speech_bits[PARAMS] = {8, 10, 8, 1, 13, 4, 7, 5, 13, 4, 7};
static const uint8_t sid_bits[4] = {1, 5, 4, 5};

static void pack_bits(const int16_t *params, const uint8_t *bits, int count, uint8_t *out)
{
    uint64_t word = 0;
    int held = 0;
    for (int i = 0; i < count; i++) {
        word = word << bits[i] | ((uint16_t)params[i] & ((1u << bits[i]) - 1));
        for (held += bits[i]; held >= 8; held -= 8)
            *out++ = (uint8_t)(word >> (held - 8));
    }
    if (held > 0)
        *out = (uint8_t)(word << (8 - held));
}

static void unpack_bits(const uint8_t *in, const uint8_t *bits, int count, int16_t *params)
{
    uint64_t word = 0;
    int held = 0;
    for (int i = 0; i < count; i++) {
        for (; held < bits[i]; held += 8)
            word = word << 8 | *in++;
        held -= bits[i];
        params[i] = (int16_t)(word >> held & ((1u << bits[i]) - 1));
    }
}
