# SPDX-License-Identifier: Apache-2.0
"""G.729 (ITU-T G.729, 01/2007) with the reduced complexity of Annex A and the silence compression of Annex B.

`Encoder` and `Decoder` turn frames of 80 samples into frames of 10, 2 or 0 octets and back, bit for bit as the
Recommendation does. `ops` gives the table through which the media plane uses the codec.
"""

from switchroom.codecs.g729._codec import Decoder, Encoder, ops, variants

G729 = ops(annex_b=False)
"""The table under the codec's encoding name, as the registry wants it: it sends no SID, since our descriptions say
`annexb=no`; what a peer sends of Annex B is understood all the same."""

__all__ = ["G729", "Decoder", "Encoder", "ops", "variants"]
