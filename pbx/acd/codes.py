# SPDX-License-Identifier: Apache-2.0
"""What agents and supervisors do by telephone: destinations of the dial plan that log in, take a break, listen in.

`agent:login`, `agent:login:NAME` (another agent than the phone's own, by its PIN), `agent:logout`, `agent:break`,
`agent:break:N` (the Nth reason), `agent:available`, `agent:done` (wrap-up), `agent:done:N` (with the Nth code);
`supervise:NAME` listens to an agent, and keys change how: 4 listen, 5 whisper, 6 barge in, 7 take over; `pick:QUEUE`
takes the caller who is first in a queue.
"""

from switchroom.pbx.acd.desk import Desk
from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.acd.supervisor import Supervisors
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone, CallError, TapMode
from switchroom.pbx.dialplan import Rule

MODES: dict[str, TapMode] = {"4": "listen", "5": "whisper", "6": "barge"}
TAKE_OVER = "7"
ACTIONS = ("login", "logout", "break", "available", "done")
PIN_TRIES = 3


class Codes:
    """The handlers; each serves a call to its end."""

    def __init__(self, desk: Desk, supervisors: Supervisors) -> None:
        self._desk = desk
        self._supervisors = supervisors

    async def queue(self, call: Call, argument: str, rule: Rule | None) -> None:
        """`queue:NAME`: wait and talk; what comes of it otherwise is the caller's answer."""
        try:
            served = await self._desk.serve(call, argument)
        except AcdError as error:
            raise CallError(error.status, str(error)) from error
        if served.result != "answered" and not served.to:
            raise CallError(486 if served.reason in ("full", "lines") else 480, served.reason, "unavailable")

    async def agent(self, call: Call, argument: str, rule: Rule | None) -> None:
        """`agent:ACTION`."""
        await call.answer()
        action, _, value = argument.partition(":")
        try:
            said = await self._act(call, action, value)
        except AcdError as error:
            self._desk.log("acd.code", call=call.id, user=call.user, error=str(error))
            said = "not-allowed" if error.status == 403 else "no-agent" if error.status == 404 else "nothing"
        await self._say(call, said)
        await call.hangup()

    async def supervise(self, call: Call, argument: str, rule: Rule | None) -> None:
        """`supervise:AGENT`."""
        await call.answer()
        try:
            self._supervisors.watch(call.user, call.leg, argument)
        except AcdError as error:
            await self._refuse(call, error)
            return
        try:
            while True:
                key = await call.digit()
                if key in MODES:
                    self._supervisors.set_mode(call.user, MODES[key])
                elif key == TAKE_OVER and await self._take_over(call):
                    return
        finally:
            self._supervisors.leave(call.user)

    async def pick(self, call: Call, argument: str, rule: Rule | None) -> None:
        """`pick:QUEUE`."""
        await call.answer()
        try:
            self._supervisors.check_queue(call.user, argument)
            first = next(self._desk.scheduler.queues[argument].in_order(), None)
            if first is None:
                await self._say(call, "nothing")
                await call.hangup()
                return
            self._supervisors.pick(call.user, call.leg, first.call)
        except AcdError as error:
            await self._refuse(call, error)
            return
        await call.until_hangup()

    # ---- within

    async def _take_over(self, call: Call) -> bool:
        try:
            self._supervisors.take_over(call.user)
        except AcdError as error:
            self._desk.log("acd.code", call=call.id, user=call.user, error=str(error))
            return False
        await call.until_hangup()
        return True

    async def _refuse(self, call: Call, error: AcdError) -> None:
        self._desk.log("acd.code", call=call.id, user=call.user, error=str(error))
        await self._say(call, "not-allowed" if error.status == 403 else "no-agent")
        await call.hangup()

    async def _act(self, call: Call, action: str, value: str) -> str:
        """Do it; the phrase that says so. Raises AcdError."""
        desk, own = self._desk, self._desk.agent_of(call.user)
        name = (value or own) if action == "login" else self._here(call.user, own)
        if not name or name not in desk.scheduler.agents:
            raise AcdError(f"{call.user or call.caller} is no agent's telephone")
        match action:
            case "login":
                if name != own and not await self._knows_pin(call, name):
                    return "wrong-pin"
                desk.set_status(name, "available", by="phone", at=f"user:{call.user}" if name != own else "")
                return "logged-in"
            case "logout":
                desk.set_status(name, "logged-out", by="phone")
                return "logged-out"
            case "break":
                reasons = desk.centre.acd.break_reasons
                place = int(value) if value.isdecimal() else 1
                if not 1 <= place <= len(reasons):
                    raise AcdError(f"there are {len(reasons)} reasons for a break", 400)
                desk.set_status(name, "break", reasons[place - 1], by="phone")
                return "break"
            case "done":
                desk.wrap_up_done(name, self._code(name, value))
                return "available"
            case _:
                desk.set_status(name, "available", by="phone")
                return "available"

    def _code(self, agent: str, place: str) -> str:
        """The wrap-up code at a place in the list of the queue. Raises AcdError."""
        wrap_up = self._desk.scheduler.agents[agent].wrap_up
        if not place or wrap_up is None:
            return ""
        codes = self._desk.queue_config(wrap_up.queue).wrap_up_codes
        if not (place.isdecimal() and 1 <= int(place) <= len(codes)):
            raise AcdError(f"queue {wrap_up.queue} has {len(codes)} wrap-up codes", 400)
        return codes[int(place) - 1]

    def _here(self, user: str, own: str) -> str:
        """The agent who is logged in at a user's phone, else the one whose phone it is."""
        agents = self._desk.scheduler.agents.values()
        return next((agent.name for agent in agents if agent.at == f"user:{user}"), own)

    async def _knows_pin(self, call: Call, name: str) -> bool:
        pin = self._desk.scheduler.agents[name].config.pin
        if not pin:
            raise AcdError(f"agent {name} has no PIN, and logs in at its own phone only", 403)
        for _ in range(PIN_TRIES):
            await self._say(call, "pin")
            if await call.collect(len(pin)) == pin:
                return True
        return False

    async def _say(self, call: Call, phrase: str) -> None:
        try:
            for source in await self._desk.phrase(phrase):
                await call.play(source)
        except CallerGone:
            raise
        except Exception as error:
            self._desk.log("acd.announcement", call=call.id, error=repr(error))
