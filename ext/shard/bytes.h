/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in network order, wherever they lie.
 */
#ifndef SWITCHROOM_BYTES_H
#define SWITCHROOM_BYTES_H

#include <stdint.h>

static inline uint16_t sr_read16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

static inline uint32_t sr_read32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static inline void sr_write16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static inline void sr_write32(uint8_t *to, uint32_t value)
{
    sr_write16(to, (uint16_t)(value >> 16));
    sr_write16(to + 2, (uint16_t)value);
}

#endif
