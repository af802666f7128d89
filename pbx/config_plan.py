# SPDX-License-Identifier: Apache-2.0
"""The dial plan of a configuration: its contexts, and before them what users may dial everywhere.

That is the codes of [features], the parking slots, the numbers of groups and conference rooms, and the switches of
[times].
"""

from collections.abc import Callable, Iterator, Sequence

from switchroom.pbx.config import Config
from switchroom.pbx.config_office import Features
from switchroom.pbx.dialplan import Clockwork, Destination, DialPlan, Pattern, Rule, Switches

WITH_NUMBER = frozenset({
    "forward_always", "forward_busy", "forward_no_answer", "forward_unregistered", "directed_pickup", "intercom",
    "page", "add_to_call", "hot_desk", "voicemail", "blacklist", "blacklist_off",
})  # fmt: skip
"""Features whose code is followed by a number."""
WITHOUT_NUMBER = frozenset(Features.__struct_fields__) - WITH_NUMBER
CONTEXT = "features"
"""The name of these rules in an explanation."""


def dial_plan(config: Config, switches: Switches, utc: Callable[[], float], routes: Sequence[Rule] = ()) -> DialPlan:
    """Compile it. `routes` are those of an embedding program, which come first in `default`.

    A context is given the features when a user dials in it. What its own rules say of one number and no other, or of
    codes (numbers that begin with `*`), comes before them.
    """
    mine = {user.context for user in config.users}
    common = list(feature_rules(config))
    contexts = {CONTEXT: common}
    for name in {"default": (), **config.dial_plan}:
        rules = config.dial_plan.get(name, ())
        first = (*(routes if name == "default" else ()), *((Rule(include=CONTEXT),) if name in mine and common else ()))
        own = [rule for rule in rules if not rule.include and (rule.number.exact or rule.number.text.startswith("*"))]
        contexts[name] = [*own, *first, *(rule for rule in rules if rule not in own)]
    return DialPlan(contexts, Clockwork(config.times, switches), utc)


def feature_rules(config: Config) -> Iterator[Rule]:
    """The longer codes first, for one with a number matches longer codes too."""
    codes = {name: getattr(config.features, name) for name in Features.__struct_fields__}
    for name, code in sorted(codes.items(), key=lambda item: -len(item[1])):
        if code and name in WITHOUT_NUMBER:
            yield _rule(code, f"feature:{name}")
        if code and name in WITH_NUMBER:
            yield _rule(f"{code}.", f"feature:{name}/{{number:{len(code)}}}")
            yield _rule(code, f"feature:{name}/")
    for name, hours in config.times.items():
        if hours.switch:
            yield _rule(hours.switch, f"feature:switch/{name}")
    if config.parking.number:
        yield _rule(config.parking.number, "park")
        for slot in range(config.parking.slots[0], config.parking.slots[1] + 1):
            yield _rule(str(slot), f"parked:{slot}")
    for name, group in config.groups.items():
        if group.number:
            yield _rule(group.number, f"group:{name}")
    for name, room in config.conferences.items():
        if room.number:
            yield _rule(room.number, f"conference:{name}")


def _rule(number: str, to: str) -> Rule:
    return Rule(number=Pattern.from_text(number), to=Destination.from_text(to))
