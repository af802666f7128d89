/* SPDX-License-Identifier: Apache-2.0 */
#include "translate.h"

#include <stdbool.h>

static bool is_bytewise(const sr_codec_ops *codec)
{
    return codec->frame_samples == 1 && codec->frame_bytes == 1 && codec->encoder_size == 0 && codec->decoder_size == 0;
}

static bool fill(uint8_t *table, const sr_codec_ops *from, const sr_codec_ops *to)
{
    for (int code = 0; code < 256; code++) {
        uint8_t byte = (uint8_t)code;
        int16_t sample;
        if (from->decode(NULL, &byte, 1, &sample, 1) != 1 || to->encode(NULL, &sample, 1, &table[code], 1) != 1)
            return false;
    }
    return true;
}

void sr_translations_init(uint8_t *tables, const sr_codec_ops *const *codecs, uint32_t count)
{
    for (uint32_t from = 0; from < count; from++)
        for (uint32_t to = 0; to < count; to++) {
            uint8_t *table = tables + (from * count + to) * SR_TRANSLATION_BYTES;
            table[0] = from != to && is_bytewise(codecs[from]) && is_bytewise(codecs[to])
                && codecs[from]->sample_rate_hz == codecs[to]->sample_rate_hz
                && codecs[from]->clock_rate_hz == codecs[to]->clock_rate_hz && fill(table + 1, codecs[from], codecs[to]);
        }
}
