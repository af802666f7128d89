/* SPDX-License-Identifier: Apache-2.0
 *
 * All blocks of the codec as one unit, so that each variant of the inner loops compiles them together.
 *
 * A variant's file names itself in G729_NAME, chooses its vector unit and includes this; the blocks' own files are
 * compiled nowhere else.
 */
#include "highpass.c"
#include "lp_analysis.c"
#include "lsp.c"
#include "lsp_quantiser.c"
#include "filters.c"
#include "open_pitch.c"
#include "adaptive_codebook.c"
#include "taming.c"
#include "fixed_codebook.c"
#include "gains.c"
#include "concealment.c"
#include "postfilter.c"
#include "vad.c"
#include "sid.c"
#include "comfort_noise.c"
#include "dtx.c"
#include "bitstream.c"
#include "encoder.c"
#include "decoder.c"

#include "g729.h"

#define G729_JOIN_(a, b) a##b
#define G729_JOIN(a, b) G729_JOIN_(a, b)
#define G729_TEXT_(a) #a
#define G729_TEXT(a) G729_TEXT_(a)

__attribute__((visibility("hidden"))) const g729_variant G729_JOIN(g729_variant_, G729_NAME) = {
    G729_TEXT(G729_NAME), encoder_init, decoder_init, encode_frame, decode_frame,
};
