# SPDX-License-Identifier: Apache-2.0
"""What an office phone does, as configured: each user's desk, groups, parking, and the dial codes of features."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from switchroom.pbx.dialplan import Condition, Destination, Pattern

Occasion = Literal["always", "busy", "no-answer", "unregistered"]
Seconds = Annotated[float, Meta(gt=0, le=600)]
SecondsOrNone = Annotated[float, Meta(ge=0, le=600)]
Numbers = Annotated[tuple[str, ...], Meta(max_length=10)]
Pin = Annotated[str, Meta(pattern=r"^(\d{4,12})?$")]
CODE = re.compile(r"[0-9*#]{1,8}")


class Forward(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a user's forwarding."""

    on: Occasion
    to: str
    """A number, dialled in the user's context; `voicemail` (the user's own); or a destination such as `user:1003`."""
    when: str = ""
    """At which times, by [times]; empty: always."""

    def __post_init__(self) -> None:
        if self.when:
            Condition.from_text(self.when)
        if not self.to or len(self.to) > 128:
            raise ValueError("to: where does it go?")
        if ":" in self.to:
            Destination.from_text(self.to)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What a user can set for himself, by configuration, dial code or JSON-RPC."""

    forward: Annotated[tuple[Forward, ...], Meta(max_length=20)] = ()
    """The first line that fits the occasion and the time counts."""
    dnd: bool = False
    """Do not disturb: the user is busy for everybody."""
    call_waiting: bool = True
    """Whether a second call rings while the user talks."""
    find_me: Numbers = ()
    """Further numbers (a mobile, a landline at home) where the user is looked for when the phone is not answered."""
    find_me_mode: Literal["off", "in-turn", "at-once"] = "in-turn"
    """Whether they ring one after the other after the phone, together with it, or not."""
    find_me_confirm: bool = True
    """Whether whoever answers there must press 1, so that a mobile's voicemail does not take the call."""
    mobile: str = ""
    """Rung instead when no phone of the user can be reached."""
    ring_s: SecondsOrNone = 0.0
    """How long the phone rings before the call goes on; 0: as [sip] no_answer_s, or 20 s where it goes on."""
    language: Literal["", "en", "zh"] = ""
    """In which the exchange speaks to the user; empty: that of [ivr]."""


class DeskChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What of a desk differs from the configuration: only what is set."""

    forward: Annotated[tuple[Forward, ...], Meta(max_length=20)] | msgspec.UnsetType = msgspec.UNSET
    dnd: bool | msgspec.UnsetType = msgspec.UNSET
    call_waiting: bool | msgspec.UnsetType = msgspec.UNSET
    find_me: Numbers | msgspec.UnsetType = msgspec.UNSET
    find_me_mode: Literal["off", "in-turn", "at-once"] | msgspec.UnsetType = msgspec.UNSET
    find_me_confirm: bool | msgspec.UnsetType = msgspec.UNSET
    mobile: str | msgspec.UnsetType = msgspec.UNSET
    ring_s: SecondsOrNone | msgspec.UnsetType = msgspec.UNSET
    language: Literal["", "en", "zh"] | msgspec.UnsetType = msgspec.UNSET
    pin: Pin | msgspec.UnsetType = msgspec.UNSET


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """[group.NAME]: users who answer for each other, and whom one number rings."""

    members: tuple[str, ...]
    """Users, or numbers dialled in the context."""
    number: str = ""
    """What to dial; besides, the dial plan can name `group:NAME`."""
    ring: Literal["all", "rotary", "longest-idle", "in-turn"] = "all"
    """All at once, or one after the other: beginning after the last one called, with whoever has not talked for
    longest, or always with the first."""
    ring_s: Seconds = 20.0
    """How long: all together, or each of them."""
    rounds: Annotated[int, Meta(ge=1, le=10)] = 1
    """How often one after the other."""
    then: str = ""
    """Where a call goes that nobody answers: a number, or a destination such as `voicemail:1001`."""
    context: str = "default"
    pickup: bool = True
    """Whether members may pick up each other's calls."""
    page: bool = True
    """Whether members may page it."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if not self.members:
            yield "members", "needs at least one"
        if self.then and ":" in self.then:
            try:
                Destination.from_text(self.then)
            except ValueError as error:
                yield "then", str(error)
        if self.number:
            try:
                Pattern.from_text(self.number)
            except ValueError as error:
                yield "number", str(error)


class Parking(msgspec.Struct, frozen=True, kw_only=True):
    """[parking]: calls put down in a numbered slot, for anybody to take up again."""

    number: str = "700"
    """Transfer a call here to park it, or dial it to park the call that is on hold; empty: no parking."""
    slots: tuple[int, int] = (701, 720)
    """The first and last slot; a slot's number takes its call up again."""
    timeout_s: Annotated[float, Meta(gt=0, le=86_400)] = 90.0
    """After so long the one who parked it is rung."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if not 0 <= self.slots[0] <= self.slots[1] < self.slots[0] + 1000:
            yield "slots", "first and last slot, at most 1000"


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """[features]: what users dial for what; empty: not by dial code. NUMBER follows where a number is needed."""

    forward_always: str = "*72"
    """NUMBER; alone, it asks for one."""
    forward_always_off: str = "*73"
    forward_busy: str = "*90"
    forward_busy_off: str = "*91"
    forward_no_answer: str = "*92"
    forward_no_answer_off: str = "*93"
    forward_unregistered: str = "*94"
    forward_unregistered_off: str = "*95"
    dnd: str = "*78"
    dnd_off: str = "*79"
    call_waiting: str = "*43"
    call_waiting_off: str = "*44"
    find_me: str = "*21"
    find_me_off: str = "*22"
    call_return: str = "*69"
    """Call back whoever called last."""
    pickup: str = "*8"
    """A call that rings in one's groups."""
    directed_pickup: str = "**"
    """NUMBER: a call that rings there."""
    intercom: str = "*80"
    """NUMBER: its phone answers by itself."""
    page: str = "*81"
    """NUMBER of a group: all its phones answer by themselves and hear the caller."""
    add_to_call: str = "*33"
    """NUMBER: joins the call that is on hold, as the third."""
    hot_desk: str = "*11"
    """NUMBER: it moves to this phone, once its PIN is given."""
    hot_desk_off: str = "*12"
    mailbox: str = "*97"
    """One's own voicemail."""
    mailbox_any: str = "*98"
    """Any box, by number and PIN."""
    voicemail: str = "*99"
    """NUMBER: leave a message, or transfer a call there."""
    blacklist: str = "*30"
    """NUMBER: calls from it are refused from now on."""
    blacklist_off: str = "*31"
    """NUMBER"""
    blacklist_last: str = "*32"
    """The last one who called."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        codes: dict[str, str] = {}
        for name in self.__struct_fields__:
            code = getattr(self, name)
            if not code:
                continue
            if not CODE.fullmatch(code):
                yield name, f"{code!r}: expected up to 8 keys of 0-9, * and #"
            elif code in codes:
                yield name, f"{code!r} is the code of {codes[code]} already"
            codes[code] = name


class Blacklist(msgspec.Struct, frozen=True, kw_only=True):
    """[blacklist]: callers from outside who are refused before anything is answered."""

    numbers: tuple[Pattern, ...] = ()
    """Calling numbers, or patterns of them; more are added by dial code and JSON-RPC."""
    refuse_anonymous: bool = False
    status: Annotated[int, Meta(ge=400, le=699)] = 603
