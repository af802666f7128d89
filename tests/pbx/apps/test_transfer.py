# SPDX-License-Identifier: Apache-2.0
"""Transfers on the simulated CallControl: who talks to whom afterwards, and what the one who asked is told."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.apps.routing import Routing
from switchroom.pbx.apps.steps import Steps
from switchroom.pbx.apps.transfer import Transfers
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone, CallError, TransferAsked
from switchroom.pbx.dialplan import Clockwork, Destination, DialPlan, Pattern, Rule
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimControl, SimLeg, SimPhone

RULES = [
    ("10XX", "user:{number}"), ("600", "echo"), ("486", "busy"), ("700", "menu:1=echo, 9=hangup"),
    ("701", "steps:answer, play a b.wav, play tone:beep"), ("702", "menu:1=play:c.wav"),
]  # fmt: skip


class Office:
    """A simulated exchange with a dial plan. `call` begins one, served as the dial plan says."""

    def __init__(self, **phones: SimPhone) -> None:
        self.control = SimControl({f"user:{name[1:]}": phone for name, phone in phones.items()})
        rules = [Rule(number=Pattern.from_text(n), to=Destination.from_text(to)) for n, to in RULES]
        plan = DialPlan({"default": rules}, Clockwork({}, {}), lambda: 0.0)

        async def speak(text: str) -> str:
            return text

        self.destinations = Destinations({}, speak, 30.0)
        Steps(self.destinations, lambda: "music")
        self.routing = Routing(plan, self.destinations, self.control)
        self.control.put_through = Transfers(self.control, self.routing, self.destinations).put_through
        self.tasks: set[asyncio.Task[None]] = set()

    def call(self, number: str, caller: str = "1001") -> SimLeg:
        leg = self.control.incoming(caller, user=caller)
        call = Call(self.control, leg, number, caller)

        async def serve() -> None:
            try:
                await self.routing.send(call, number, "default")
            except CallerGone:
                pass
            except CallError as error:
                leg.hangup(error.status, error.reason)
            finally:
                leg.hangup()

        task = asyncio.get_running_loop().create_task(serve())
        self.tasks.add(task)
        return leg

    def leg(self, number: str) -> SimLeg:
        return next(leg for leg in reversed(self.control.legs) if leg.party.number == number)


def simulate(script: Callable[[Office], Awaitable[None]], **phones: SimPhone) -> Office:
    offices: list[Office] = []

    async def main() -> None:
        offices.append(office := Office(**phones))
        await script(office)
        await asyncio.sleep(120)
        for leg in office.control.legs:
            assert leg.state == "ended", f"{leg.id} is left over"
        assert all(task.done() for task in office.tasks)

    run(main())
    return offices[0]


@pytest.mark.parametrize("asker_is_caller", [True, False])
def test_blind(asker_is_caller: bool) -> None:
    async def script(office: Office) -> None:
        one = office.call("1002")
        await asyncio.sleep(5)
        asker, other = (one, office.leg("1002")) if asker_is_caller else (office.leg("1002"), one)
        assert one.can_hear(office.leg("1002"))
        asker.say(TransferAsked("1003"))
        await asyncio.sleep(1)
        assert asker.told[-1] == "transferred 100"
        assert not other.can_hear(asker)
        await asyncio.sleep(4)
        assert asker.state == "ended"
        assert "transferred 200" in asker.told
        third = office.leg("1003")
        assert other.can_hear(third)
        assert third.can_hear(other)
        assert third.call_id == other.call_id
        third.leave()
        await asyncio.sleep(1)
        assert other.state == "ended"

    simulate(script, u1002=SimPhone(), u1003=SimPhone())


@pytest.mark.parametrize("asker_is_caller", [True, False])
@pytest.mark.parametrize(("target", "status"), [("1003", 486), ("486", 486), ("5555", 404), ("1004", 404)])
def test_a_transfer_that_fails_joins_the_two_again(asker_is_caller: bool, target: str, status: int) -> None:
    async def script(office: Office) -> None:
        one = office.call("1002")
        await asyncio.sleep(5)
        asker, other = (one, office.leg("1002")) if asker_is_caller else (office.leg("1002"), one)
        asker.say(TransferAsked(target))
        await asyncio.sleep(5)
        assert asker.told[-2:] == ["transferred 100", f"transferred {status}"]
        assert other.can_hear(asker)
        asker.say(TransferAsked("600"))  # another try
        await asyncio.sleep(1)
        assert other.heard[-1] == "echo"
        other.leave()

    busy = SimPhone(answers_after_s=None, refuses_after_s=2.0)
    simulate(script, u1002=SimPhone(), u1003=busy)


@pytest.mark.parametrize("succeeds", [True, False])
def test_the_one_who_asked_may_leave_before_the_outcome(succeeds: bool) -> None:
    async def script(office: Office) -> None:
        one = office.call("1002")
        await asyncio.sleep(5)
        asker = office.leg("1002")
        asker.say(TransferAsked("1003"))
        asker.leave()
        await asyncio.sleep(5)
        assert (one.state == "answered") == succeeds
        if succeeds:
            assert one.can_hear(office.leg("1003"))
            one.leave()

    third = SimPhone() if succeeds else SimPhone(answers_after_s=None, refuses_after_s=2.0)
    simulate(script, u1002=SimPhone(), u1003=third)


def test_the_party_may_leave_before_the_outcome() -> None:
    async def script(office: Office) -> None:
        one = office.call("1002")
        await asyncio.sleep(5)
        asker = office.leg("1002")
        asker.say(TransferAsked("1003"))
        await asyncio.sleep(1)
        one.leave()
        await asyncio.sleep(1)
        assert asker.state == "ended"
        assert office.leg("1003").state == "ended"

    simulate(script, u1002=SimPhone(), u1003=SimPhone(answers_after_s=None))


def test_attended() -> None:
    async def script(office: Office) -> None:
        first = office.call("1002", "1001")
        await asyncio.sleep(5)
        asker = office.leg("1002")
        second = office.call("1003", "1002")
        await asyncio.sleep(5)
        third = office.leg("1003")
        assert second.can_hear(third)
        asker.say(TransferAsked("1003", second))
        await asyncio.sleep(1)
        assert first.can_hear(third)
        assert third.can_hear(first)
        assert asker.state == second.state == "ended"
        assert "transferred 200" in asker.told
        first.leave()
        await asyncio.sleep(1)
        assert third.state == "ended"

    simulate(script, u1002=SimPhone(), u1003=SimPhone())


def test_attended_when_both_calls_came_in() -> None:
    async def script(office: Office) -> None:
        first = office.call("1002", "1001")
        second = office.call("1002", "1003")
        await asyncio.sleep(5)
        asker, other = (leg for leg in office.control.legs if leg.party.number == "1002")
        asker.say(TransferAsked("1003", other))
        await asyncio.sleep(1)
        assert first.can_hear(second)
        assert asker.state == other.state == "ended"
        second.leave()
        await asyncio.sleep(1)
        assert first.state == "ended"

    simulate(script, u1002=SimPhone())


def test_semi_attended_rings_on_for_the_party() -> None:
    async def script(office: Office) -> None:
        first = office.call("1002", "1001")
        await asyncio.sleep(5)
        asker = office.leg("1002")
        second = office.call("1003", "1002")
        await asyncio.sleep(1)
        asker.say(TransferAsked("1003", second))
        await asyncio.sleep(5)
        assert first.can_hear(office.leg("1003"))
        assert asker.state == second.state == "ended"
        first.leave()

    simulate(script, u1002=SimPhone(), u1003=SimPhone(answers_after_s=3.0))


def test_files_of_steps_and_menus_are_those_beside_the_configuration(tmp_path: Path) -> None:
    async def script(office: Office) -> None:
        Steps(office.destinations, lambda: "music", tmp_path)
        played = []
        for number, keys in (("701", ""), ("702", "1")):
            leg = office.call(number)
            await asyncio.sleep(1)
            leg.press(keys)
            await asyncio.sleep(5)
            played += leg.heard
        assert played == [str(tmp_path / "a b.wav"), "tone:beep", str(tmp_path / "c.wav")]

    simulate(script)


def test_keys_of_the_dial_plan() -> None:
    async def script(office: Office) -> None:
        leg = office.call("700")
        await asyncio.sleep(1)
        leg.press("51")
        await asyncio.sleep(1)
        assert leg.heard == ["echo"]
        leg.leave()
        other = office.call("700")
        await asyncio.sleep(1)
        other.press("9")
        await asyncio.sleep(1)
        assert other.told == ["answered", "ended 200"]

    simulate(script)
