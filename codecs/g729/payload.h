/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec as the media plane sees it: RTP payloads (RFC 3551 section 4.5.6) behind the table of codec_ops.h.
 *
 * There are two tables, which differ in the encoder only: `g729_ops` sends silence descriptors (Annex B), and
 * `g729_ops_annexa` never does, as `annexb=no` of RFC 4856 and RFC 7261 asks. Both decode everything.
 */
#ifndef SWITCHROOM_G729_PAYLOAD_H
#define SWITCHROOM_G729_PAYLOAD_H

#include "codec_ops.h"
#include "g729.h"

extern const sr_codec_ops g729_ops, g729_ops_annexa;

/* The variant that the tables use from now on; called once, when the module is loaded. */
void g729_payload_variant(const g729_variant *variant);

#endif
