# SPDX-License-Identifier: Apache-2.0
"""Calls and the B2BUA on the simulated CallControl, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from switchroom.pbx.b2bua import Outcome
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone, CallError
from switchroom.pbx.sim.clock import run
from switchroom.pbx.sim.control import SimControl, SimPhone
from switchroom.pbx.sim.leg import SimLeg

Script = Callable[[SimControl, SimLeg, Call], Awaitable[None]]


def simulate(script: Script, **phones: SimPhone) -> SimControl:
    """Run a script with one caller, 1001, and phones by target name (`user_1002` is user:1002)."""
    control = SimControl({name.replace("_", ":", 1).replace("__", "/"): phone for name, phone in phones.items()})

    async def main() -> None:
        leg = control.incoming("1001", "Ada")
        await script(control, leg, Call(control, leg, "1002"))

    run(main())
    return control


def later(delay_s: float, action: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_later(delay_s, action)


def test_dial_answers_the_caller_and_joins_both() -> None:
    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        later(5, lambda: joined.append(caller.partner))
        later(10, caller.leave)
        outcome = await call.dial("user:1002")
        assert outcome.leg is control.legs[1]
        assert asyncio.get_running_loop().time() == pytest.approx(10)

    joined: list[SimLeg | None] = []
    control = simulate(script, user_1002=SimPhone())
    caller, callee = control.legs
    assert joined == [callee]
    assert caller.told == ["ringing", "answered"]
    assert callee.told == ["ended 200"]


def test_the_called_party_hangs_up_first() -> None:
    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        later(5, lambda: control.legs[1].leave())
        await call.dial("user:1002")

    control = simulate(script, user_1002=SimPhone())
    assert control.legs[0].told == ["ringing", "answered", "ended 200"]


def test_the_first_of_several_contacts_wins_and_the_others_stop_ringing() -> None:
    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        later(6, caller.leave)
        outcome = await call.dial("user:1002")
        assert outcome.leg is not None
        assert outcome.leg.id == "call1/3"

    control = simulate(script, user_1002__a=SimPhone(answers_after_s=4), user_1002__b=SimPhone(answers_after_s=1))
    assert [leg.told for leg in control.legs[1:]] == [["ended 487"], ["ended 200"]]


@pytest.mark.parametrize(
    ("statuses", "told"), [([486], 486), ([480, 486], 486), ([404, 603], 603), ([503, 404], 404), ([408], 408)]
)
def test_the_failure_that_says_most_is_told(statuses: list[int], told: int) -> None:
    outcomes: list[Outcome] = []

    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        outcomes.append(await call.dial("user:1002"))

    phones = {
        f"user_1002__{i}": SimPhone(answers_after_s=None, refuses_after_s=1 + i, status=status)
        for i, status in enumerate(statuses)
    }
    simulate(script, **phones)
    assert outcomes[0].leg is None
    assert outcomes[0].status == told
    assert outcomes[0].by == "callee"


def test_no_answer() -> None:
    outcomes: list[Outcome] = []

    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        outcomes.append(await call.dial("user:1002", ring_s=20))
        assert asyncio.get_running_loop().time() == pytest.approx(20)

    control = simulate(script, user_1002=SimPhone(answers_after_s=None))
    assert outcomes[0].result == "no-answer"
    assert control.legs[1].told == ["ended 487"]


def test_the_caller_gives_up_while_it_rings() -> None:
    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        later(1, caller.leave)
        with pytest.raises(CallerGone):
            await call.dial("user:1002")

    control = simulate(script, user_1002=SimPhone(answers_after_s=30))
    assert control.legs[1].told == ["ended 487"]


def test_redirection_is_followed_and_a_loop_of_them_ends() -> None:
    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        later(9, caller.leave)
        outcome = await call.dial("user:1002")
        assert outcome.leg is control.legs[2]

    moved = SimPhone(answers_after_s=None, refuses_after_s=1, status=302, redirect=("user:1003",))
    simulate(script, user_1002=moved, user_1003=SimPhone())

    async def loop(control: SimControl, caller: SimLeg, call: Call) -> None:
        outcome = await call.dial("user:1002")
        assert outcome.leg is None
        assert outcome.status == 480

    circle = SimPhone(answers_after_s=None, refuses_after_s=1, status=302, redirect=("user:1002",))
    control = simulate(loop, user_1002=circle)
    assert len(control.legs) == 1 + 1 + 5


def test_early_media_of_a_single_phone_is_passed_on() -> None:
    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        later(1, lambda: joined.append(caller.partner))
        later(5, caller.leave)
        await call.dial("user:1002")

    joined: list[SimLeg | None] = []
    control = simulate(script, user_1002=SimPhone(early_media=True))
    assert joined == [control.legs[1]]
    assert control.legs[0].told[0] == "early media"


def test_an_unknown_target_raises() -> None:
    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        with pytest.raises(CallError) as caught:
            await call.dial("user:9999")
        assert caught.value.status == 404

    simulate(script)


def test_answer_play_collect_hangup() -> None:
    typed: list[str] = []

    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        await call.answer()
        later(0.5, lambda: caller.press("12"))
        later(3, lambda: caller.press("3#"))
        await call.play("menu.wav")
        assert asyncio.get_running_loop().time() == pytest.approx(2)
        typed.append(await call.collect(8))
        await call.play("long.wav", until_digit=False)
        await call.hangup()

    control = simulate(script)
    assert typed == ["123"]
    assert control.legs[0].heard == ["menu.wav", "long.wav"]
    assert control.legs[0].told == ["answered", "ended 200"]


def test_a_key_stops_the_prompt_and_is_not_lost() -> None:
    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        await call.answer()
        later(0.5, lambda: caller.press("7"))
        await call.play("menu.wav", until_digit=True)
        assert asyncio.get_running_loop().time() == pytest.approx(0.5)
        assert await call.digit(1) == "7"
        assert await call.digit(1) == ""

    simulate(script)


def test_hanging_up_ends_the_flow_at_its_next_step() -> None:
    reached: list[str] = []

    async def script(control: SimControl, caller: SimLeg, call: Call) -> None:
        await call.answer()
        later(1, caller.leave)
        with pytest.raises(CallerGone):
            await call.play("menu.wav")
        reached.append("the end")
        assert asyncio.get_running_loop().time() == pytest.approx(1)

    simulate(script)
    assert reached == ["the end"]
