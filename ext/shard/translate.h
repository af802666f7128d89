/* SPDX-License-Identifier: Apache-2.0
 *
 * Codecs of one byte a sample and no memory (the two laws of G.711) turn into each other byte by byte: a call between
 * them is passed on packet by packet like one of a single codec, without a clock, a buffer or added delay.
 */
#ifndef SWITCHROOM_TRANSLATE_H
#define SWITCHROOM_TRANSLATE_H

#include "codec_ops.h"

#define SR_TRANSLATION_BYTES 257 /* whether there is one, then what each byte becomes */

/* One table for each pair: from, to. `tables` is zeroed. */
void sr_translations_init(uint8_t *tables, const sr_codec_ops *const *codecs, uint32_t count);

/* What each byte of codec `from` becomes in codec `to`; NULL where it is not that simple. */
static inline const uint8_t *sr_translation(const uint8_t *tables, uint32_t count, uint32_t from, uint32_t to)
{
    const uint8_t *table = tables + (from * count + to) * SR_TRANSLATION_BYTES;
    return table[0] ? table + 1 : (const uint8_t *)0;
}

#endif
