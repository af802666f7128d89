# SPDX-License-Identifier: Apache-2.0
"""Records of the leg doctor."""

from switchroom.pbx.events.record import Record


class LegTrouble(Record, frozen=True, tag="leg.trouble"):
    """Something is wrong with a leg's audio, or (`on` false) no longer."""

    call: str
    leg: str
    kind: str
    """`nothing-received`, `nothing-arrives`, `silence` (the three of one-way audio), `loss`, `jitter`, `delay`,
    `clipping`, `wrong-key`."""
    on: bool
    figure: float = 0.0
    """Milliseconds, a share or a count, as the kind has it."""
