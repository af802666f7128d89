# SPDX-License-Identifier: Apache-2.0
"""One carrier or gateway at work: its channels, its addresses, and how it is shown numbers."""

import re
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from switchroom.pbx.control import Party
from switchroom.pbx.trunks.channels import Channels
from switchroom.pbx.trunks.config import CHANNELS_PER_SPAN, TrunkConfig
from switchroom.pbx.trunks.numbers import NumberRule, change
from switchroom.pbx.trunks.profiles import Codec, profile
from switchroom.pbx.trunks.targets import Target, Targets

Health = Literal["unknown", "up", "down"]


class Trunk:
    """Made from the configuration once; `clock` is the event loop's, `below` draws a number below its argument."""

    def __init__(self, config: TrunkConfig, clock: Callable[[], float], below: Callable[[int], int]) -> None:
        self.config = config
        self.profile = profile(config.gateway)
        self.targets = Targets(_targets(config), below)
        self.registered = config.register is None
        """Whether the registrar has us, where it must."""
        self.service_route: tuple[str, ...] = ()
        """By where the registrar wants our calls to go, in the order of Route (RFC 3608)."""
        self.enabled = True
        """An operator may take a trunk out of service; its calls go on."""
        self.failed = 0
        """Calls out that came to nothing by the trunk's own fault, since the start."""
        both, incoming, outgoing, per_second = self.configured
        self.channels = Channels(clock, both=both, incoming=incoming, outgoing=outgoing, per_second=per_second)

    def apply(self, config: TrunkConfig) -> None:
        """A new configuration of the same trunk."""
        self.config = config
        self.profile = profile(config.gateway)
        self.targets.replace(_targets(config))
        if config.register is None:
            self.registered = True
        both, incoming, outgoing, per_second = self.configured
        self.channels.limit(both=both, incoming=incoming, outgoing=outgoing, per_second=per_second)

    @property
    def configured(self) -> tuple[int, int, int, float]:
        """Its limits by the configuration: channels in all, in, out; calls a second."""
        config = self.config
        both = config.channels or config.spans * CHANNELS_PER_SPAN
        return both, config.channels_in, config.channels_out, config.calls_per_second

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def codecs(self) -> tuple[Codec, ...]:
        return self.config.codecs or self.profile.codecs

    @property
    def overlap(self) -> bool:
        """Whether its numbers may come digit by digit."""
        return self.profile.overlap if self.config.overlap is None else self.config.overlap

    @property
    def health(self) -> Health:
        if not self.targets.alive or not self.registered:
            return "down"
        return "up" if "up" in self.targets.states.values() or not self.targets.states else "unknown"

    def why_not(self) -> str:
        """Why no call can go out by it now; empty when one can."""
        if not self.enabled:
            return "out of service"
        if not self.registered:
            return "not registered"
        if not self.targets.alive:
            return "no target answers"
        if not self.targets.states:
            return "has no targets"
        if not self.channels.free("out"):
            return "all channels are in use"
        return ""

    # ---- numbers

    def called_out(self, number: str) -> str:
        """A number as this trunk is asked for it."""
        rules: Sequence[NumberRule] = self.config.called_out or self.profile.called_out
        changed = change(number, rules)
        if changed == number and self.config.country is not None:
            return self.config.country.e164(number)
        return changed

    def called_in(self, number: str) -> str:
        """A number that the trunk calls, as our dial plan has it."""
        changed = change(number, self.config.called_in or self.profile.called_in)
        if changed == number and self.config.country is not None:
            return self.config.country.national_form(number)
        return changed

    def caller_in(self, party: Party) -> Party:
        """Who calls, as we show it."""
        number = change(party.number, self.config.caller_in)
        if number == party.number and self.config.country is not None:
            number = self.config.country.national_form(number)
        return msgspec.structs.replace(party, number=number)

    def caller_out(self, party: Party, private: bool) -> tuple[Party, bool]:
        """Who the outside is told calls, and whether it is to keep that from the called party (RFC 3323)."""
        config = self.config
        number = change(party.number, config.caller_out)
        match config.caller_policy:
            case "anonymous":
                return Party("", ""), True
            case "fixed":
                number = config.caller_fixed
            case "own-only" if not any(re.fullmatch(own.expression, number) for own in config.own_numbers):
                number = config.caller_fixed
        if number == party.number and config.country is not None:
            number = config.country.e164(number)
        return Party(number, party.name), private


def _targets(config: TrunkConfig) -> list[Target]:
    if config.targets or config.register is None:
        return list(config.targets)
    return [Target(config.register.registrar)]
