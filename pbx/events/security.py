# SPDX-License-Identifier: Apache-2.0
"""Sources that are not heard any more."""

from typing import Literal

from switchroom.pbx.events.record import Record


class SourceBanned(Record, frozen=True, tag="source.banned"):
    source: str
    """A network: `192.0.2.7/32`."""
    reason: str
    times: int
    """The how manieth ban of this source."""
    for_s: float | None
    """None: until it is lifted."""


class SourceUnbanned(Record, frozen=True, tag="source.unbanned"):
    source: str
    reason: Literal["expired", "operator"]
