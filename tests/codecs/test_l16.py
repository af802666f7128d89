# SPDX-License-Identifier: Apache-2.0
"""L16: network byte order, there and back without loss."""

import numpy as np
import pytest

from switchroom.codecs import l16
from switchroom.ext.codec import Codec


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100])
def test_there_and_back(rate_hz: int) -> None:
    codec = Codec(getattr(l16, f"L16_{rate_hz}"))
    pcm = np.arange(-32768, 32768, 7, np.int16)
    payload = codec.encode(pcm)
    assert payload[:4] == b"\x80\x00\x80\x07"
    assert codec.decode(payload) == pcm.tobytes()
    assert (codec.name, codec.sample_rate_hz, codec.clock_rate_hz) == ("L16", rate_hz, rate_hz)


def test_half_a_sample_is_no_payload() -> None:
    with pytest.raises(ValueError, match="L16"):
        Codec(l16.L16_8000).decode(b"\x00\x01\x02")
