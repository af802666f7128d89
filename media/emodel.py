# SPDX-License-Identifier: Apache-2.0
"""The quality of a leg as a number: ITU-T G.107 E-model with the impairments of G.113.

All parameters that a packet network does not change keep their default values (so Ro - Is is 93.2), and echo is taken
to be cancelled: what counts is the codec, the loss after the jitter buffer, how bursty it is, and the delay.
"""

import math
from typing import NamedTuple

R_DEFAULT = 93.2


class Impairment(NamedTuple):
    """What G.113 says of a codec: equipment impairment, and robustness against loss."""

    ie: float
    bpl: float


# G.113 table I.1 to I.4: G.711 with the concealment of its Appendix I; G.729 as with VAD. L16 and G.722 do not lose to
# G.711 on the narrow-band scale, and are concealed like it here.
IMPAIRMENTS = {
    "PCMU": Impairment(0, 25.1),
    "PCMA": Impairment(0, 25.1),
    "L16": Impairment(0, 25.1),
    "G722": Impairment(0, 25.1),
    "G729": Impairment(11, 19.0),
    "GSM": Impairment(20, 43.0),
    "G723": Impairment(15, 16.1),
}
WITHOUT_CONCEALMENT = Impairment(0, 4.3)


def delay_impairment(delay_ms: float) -> float:
    """Idd of G.107 section 7.4 for a one-way delay from mouth to ear."""
    if delay_ms <= 100:
        return 0.0
    x = math.log2(delay_ms / 100)
    return float(25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2))


def loss_impairment(codec: Impairment, loss: float, burst_ratio: float = 1.0) -> float:
    """Ie,eff of G.107 section 7.5: `loss` as a fraction, `burst_ratio` 1 for random, more for bursts."""
    percent = 100 * min(max(loss, 0.0), 1.0)
    return codec.ie + (95 - codec.ie) * percent / (percent / max(burst_ratio, 1.0) + codec.bpl)


def burst_ratio(loss: float, mean_burst: float) -> float:
    """How much longer the bursts of loss (`mean_burst` packets) are than random ones, which are 1 / (1 - loss) long."""
    return max(1.0, mean_burst * (1 - min(max(loss, 0.0), 1.0)))


def rating(codec: str, delay_ms: float = 0.0, loss: float = 0.0, bursts: float = 1.0) -> float:
    """The transmission rating R, 0 to 93.2; a codec without an entry counts as G.711 without concealment."""
    impairment = IMPAIRMENTS.get(codec.upper().partition("/")[0], WITHOUT_CONCEALMENT)
    return max(0.0, R_DEFAULT - delay_impairment(delay_ms) - loss_impairment(impairment, loss, bursts))


def mos_of(r: float) -> float:
    """The mean opinion score of a rating, 1 to 4.5 (G.107 Annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def mos(codec: str, delay_ms: float = 0.0, loss: float = 0.0, bursts: float = 1.0) -> float:
    """The mean opinion score of a leg."""
    return mos_of(rating(codec, delay_ms, loss, bursts))
