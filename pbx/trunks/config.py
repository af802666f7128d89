# SPDX-License-Identifier: Apache-2.0
"""[[trunk]] and [routes]: carriers and gateways, and which of them a call takes."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from switchroom.pbx.config_values import Network, Secret
from switchroom.pbx.dialplan import Condition, Pattern
from switchroom.pbx.trunks.numbers import CallerPolicy, Country, NumberRule
from switchroom.pbx.trunks.outside import Outside
from switchroom.pbx.trunks.profiles import GATEWAYS, Codec, profile
from switchroom.pbx.trunks.targets import Target

Limit = Annotated[int, Meta(ge=0, le=100_000)]
_NUMERIC = re.compile(r"[0-9.]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
CHANNELS_PER_SPAN = 30
"""An E1 has 30 channels for speech (ITU-T G.704, with time slot 16 for signalling)."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """`register = { … }` of a trunk that wants us to register."""

    registrar: str
    """`sip:carrier.example`; also where calls go when there are no targets."""
    user: str
    expires_s: Annotated[int, Meta(ge=60, le=86_400)] = 3600
    domain: str = ""
    """Of our address of record; empty: the registrar's host."""

    @property
    def home(self) -> str:
        """The domain of our address of record."""
        return self.domain or re.sub(r"^sips?:|[;?].*$", "", self.registrar)


class TrunkConfig(msgspec.Struct, frozen=True, kw_only=True):
    """[[trunk]]: one carrier or gateway."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$")]
    targets: tuple[Target, ...] = ()
    """Where calls go out, by priority and weight."""
    addresses: tuple[Network, ...] = ()
    """Where calls come in from, without digest; beside the numeric hosts of the targets."""
    gateway: str = ""
    """The profile of a gateway, by the name of its file; what stands here comes before it."""
    spans: Annotated[int, Meta(ge=0, le=64)] = 0
    """E1 lines behind a gateway: 30 channels each."""
    register: Registration | None = None
    username: str = ""
    """For the digest with which the trunk challenges us."""
    password: Secret = Secret()
    context: str = "default"
    """The dial plan for calls that come in: DID numbers to anything."""
    trusted: bool = True
    """Whether P-Asserted-Identity is believed, and given."""
    channels: Limit = 0
    channels_in: Limit = 0
    channels_out: Limit = 0
    calls_per_second: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    codecs: tuple[Codec, ...] = ()
    srtp: Literal["", "off", "optional", "required"] = ""
    dtmf: Literal["", "auto", "in-band", "info"] = ""
    comfort_noise: bool = False
    called_out: tuple[NumberRule, ...] = ()
    called_in: tuple[NumberRule, ...] = ()
    caller_out: tuple[NumberRule, ...] = ()
    caller_in: tuple[NumberRule, ...] = ()
    country: Country | None = None
    """With it numbers go out in the form +86…, unless a rule says otherwise, and come in as they are dialled."""
    caller_policy: CallerPolicy = "pass"
    caller_fixed: str = ""
    own_numbers: tuple[Pattern, ...] = ()
    """Numbers that the outside may be shown, for `own-only`."""
    overlap: bool | None = None
    """Whether digits come one after the other (RFC 3578): a number that may go on is asked for more with 484."""
    options_s: Annotated[float, Meta(ge=0, le=3600)] = 30.0
    """How often each target is asked whether it is there; 0: never."""
    failover_s: Annotated[float, Meta(gt=0, le=32)] = 2.0
    """A target that says nothing for so long is given up for the next one."""
    reason: bool | None = None
    """Whether it is told Q.850 causes in Reason headers, and ours follow its."""
    outside: Outside = Outside()
    """What may be called by this trunk, and how much of it."""

    @property
    def tells_causes(self) -> bool:
        """Whether Q.850 causes go to and fro."""
        if self.reason is not None:
            return self.reason
        return profile(self.gateway).reason if self.gateway else True

    @property
    def sources(self) -> tuple[Network, ...]:
        """Every address that it may call from, as far as it is written down."""
        hosts = [target.host for target in self.targets if _NUMERIC.fullmatch(target.host)]
        numeric = map(Network.from_text, dict.fromkeys(hosts))
        return (*self.addresses, *(network for network in numeric if network not in self.addresses))

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """(key, reason) for each rule between keys that is broken."""
        if not self.targets and self.register is None and not self.addresses:
            yield "targets", "needs at least one target, address or registrar"
        if self.caller_policy in ("fixed", "own-only") and not self.caller_fixed:
            yield "caller_fixed", f"is needed for the policy {self.caller_policy!r}"
        if self.gateway and not (GATEWAYS / f"{self.gateway}.toml").is_file():
            known = sorted(path.stem for path in GATEWAYS.glob("*.toml"))
            yield "gateway", f"no profile is called {self.gateway!r}; known: {', '.join(known)}"
        if self.password and not self.username:
            yield "username", "is missing: the password belongs to it"


class Carrier(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a route: a trunk for some numbers, at some times, at a price."""

    trunk: str
    number: Pattern | None = None
    """Only for these numbers."""
    when: Condition = Condition()
    cost: Annotated[float, Meta(ge=0)] = 0.0
    """A minute's, in any unit; the cheapest goes first, and the order of the file decides between equals."""
