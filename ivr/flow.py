# SPDX-License-Identifier: Apache-2.0
"""A flow is an async Python function of a `Flow`: a call with a language, prompts, and the verbs of an IVR.

Each verb is a step: it is journalled with its name and outcome, and raises CallerGone once the caller has hung up, so a
flow is written as if nobody ever did. Keys that the caller types ahead of a question answer it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from switchroom.ivr.prompts import Part, Prompt, Value
from switchroom.ivr.services import Outside, QueueOutcome, Services
from switchroom.ivr.spoken import Language
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallerGone, CallError
from switchroom.pbx.events import CallRated, FlowEnded, FlowStarted, FlowStep, MessageLeft

MAX_STEPS = 10_000
"""After so many steps a flow is taken for one that turns in a circle."""

WRONG = Prompt("wrong-key", en="That is not a choice.", zh="按键有误。")
AGAIN = Prompt("not-understood", en="Sorry, that was not valid.", zh="对不起,输入无效。")
CONFIRM = Prompt("confirm", en="To confirm, press 1. To enter it again, press 2.", zh="确认请按1,重新输入请按2。")
ENTERED = Prompt("you-entered", en="You entered", zh="您输入的是")
AFTER_THE_TONE = Prompt(
    "after-the-tone",
    en="Please speak after the tone, and press the pound key when you are done.",
    zh="请在提示音后留言,结束请按井号键。",
)
THANKS = Prompt("thank-you", en="Thank you. Good-bye.", zh="谢谢您的来电,再见。")


class FlowError(CallError):
    """A flow cannot go on: a fault in it, not in the caller."""

    def __init__(self, reason: str) -> None:
        super().__init__(500, reason)


class Flow:
    """One call in one flow. `variables` are for the flow's own use; `language` may be changed at any step."""

    def __init__(
        self, call: Call, services: Services, name: str, *, language: Language = "en", version: int = 0
    ) -> None:
        self.call = call
        self.services = services
        self.name = name
        self.version = version
        self.variables: dict[str, Any] = {"caller": call.caller, "dialled": call.dialled, "call": call.id}
        self.language = language
        self.served: QueueOutcome | None = None
        """How the last queue came out: who served the caller."""
        self._steps = 0
        self._step = ""

    @property
    def language(self) -> Language:
        """What is spoken from the next step on; data flows see it as the variable `language`."""
        return self._language

    @language.setter
    def language(self, language: Language) -> None:
        self._language = self.variables["language"] = language

    # ---- what is heard

    async def answer(self) -> None:
        """Answer the call; without effect on one that is answered."""
        await self.call.answer()

    async def say(self, *parts: Part, barge_in: bool = True, step: str = "") -> None:
        """Let the caller hear something. With `barge_in` a key ends it, and is kept for the next question."""
        with self._as_step("say", step or _name_of(parts)):
            await self._say(parts, barge_in)

    async def menu(
        self,
        *parts: Part,
        choices: Mapping[str, Any],
        timeout_s: float = 5.0,
        retries: int = 2,
        wrong: Part = WRONG,
        step: str = "",
    ) -> Any:
        """Ask for one of `choices` by its key (`0`-`9`, `*`, `#`); returns what stands there.

        Silence and wrong keys ask again, `retries` times; then the answer is None.
        """
        with self._as_step("menu", step or _name_of(parts)) as done:
            for attempt in range(retries + 1):
                await self._say(parts)
                key = await self.call.digit(timeout_s)
                if key in choices:
                    done(key)
                    return choices[key]
                self.call.forget_digits()
                if key and attempt < retries:
                    await self._say((wrong,))
            done("no choice")
            return None

    async def collect(
        self,
        *parts: Part,
        least: int = 1,
        most: int = 20,
        first_s: float = 8.0,
        between_s: float = 4.0,
        retries: int = 2,
        terminator: str = "#",
        confirm: bool = False,
        check: Callable[[str], bool] | None = None,
        wrong: Part = AGAIN,
        step: str = "",
    ) -> str:
        """Ask for `least` to `most` keys, ended by `terminator` or a pause; empty when it did not work out.

        `check` says whether the digits are good; with `confirm` they are read back, and 1 confirms them.
        """
        with self._as_step("collect", step or _name_of(parts)) as done:
            for attempt in range(retries + 1):
                await self._say(parts)
                typed = await self.call.collect(most, first_s=first_s, between_s=between_s, terminator=terminator)
                good = len(typed) >= least and (check is None or check(typed))
                if good and (not confirm or await self._confirmed(typed, first_s)):
                    done("collected")
                    return typed
                self.call.forget_digits()
                if not good and attempt < retries:
                    await self._say((wrong,))
            done("nothing")
            return ""

    async def record(
        self,
        mailbox: str,
        *parts: Part,
        most_s: float = 120.0,
        silence_s: float = 5.0,
        least_s: float = 1.0,
        step: str = "",
    ) -> str:
        """Let the caller speak a message until `#`, silence or hang-up; the path of its recording, empty if too short.

        Where `mailbox` is a user's, the message comes into his voicemail, with its lamp and mail. A caller who hangs up
        after speaking has left his message too.
        """
        boxes = self.services.mailboxes
        with self._as_step("record", step or mailbox) as done:
            await self._say(parts or (AFTER_THE_TONE,))
            self.call.forget_digits()
            if boxes is not None and boxes.takes(mailbox):
                path, duration_ms = await boxes.leave(
                    self.call, mailbox, most_s=most_s, silence_s=silence_s, least_s=least_s
                )
                if path:
                    self._message_left(mailbox, path, duration_ms)
                done("left" if path else "too short")
                return path
            await self.call.play("tone:beep")
            path = self.services.message_path(self.call.id)
            began_s = self.services.clock()
            recording = self.call.leg.record(path, stereo=False)
            try:
                await self.call.digit(most_s)
            finally:
                recording.stop()
                length_s = self.services.clock() - began_s
                if length_s >= least_s:
                    self._message_left(mailbox, path, round(1000 * length_s))
            done("left" if length_s >= least_s else "too short")
            return path if length_s >= least_s else ""

    def _message_left(self, mailbox: str, path: str, duration_ms: int) -> None:
        self.services.write(
            MessageLeft(call=self.call.id, mailbox=mailbox, path=path, duration_ms=duration_ms, caller=self.call.caller)
        )

    # ---- where the call goes

    async def queue(self, name: str, *, step: str = "", **wishes: Any) -> QueueOutcome:
        """Wait in a queue and talk to an agent; returns when the caller is alone again, and why."""
        with self._as_step("queue", step or name) as done:
            if self.services.queues is None:
                raise FlowError("this exchange has no queues")
            self.served = await self.services.queues.serve(self.call, name, **wishes)
            done(self.served.result)
            return self.served

    async def callback(self, queue: str, number: str = "", *, step: str = "") -> bool:
        """Let an agent of `queue` call back, in the place that the caller has; False where that is not possible."""
        with self._as_step("callback", step or queue) as done:
            if self.services.queues is None:
                raise FlowError("this exchange has no queues")
            taken = await self.services.queues.call_back(self.call, queue, number or self.call.caller)
            done("taken" if taken else "refused")
            return taken

    async def transfer(self, destination: str, *, step: str = "") -> str:
        """Send the call to a destination of the dial plan (`user:1002`, `sip:…`, `queue:…`, `ivr:…`) or a number.

        Returns when the caller is alone again: empty after a conversation, else why there was none.
        """
        with self._as_step("transfer", step or destination) as done:
            try:
                await self.services.send(self.call, destination)
            except CallError as error:
                done(error.reason or str(error.status))
                return error.reason or str(error.status)
            done("done")
            return ""

    async def hangup(self, *parts: Part, step: str = "") -> None:
        """Say good-bye, and end the call."""
        with self._as_step("hangup", step or "hangup"):
            await self._say(parts, barge_in=False)
            await self.call.hangup()

    # ---- the world outside

    async def http(
        self,
        url: str,
        json: Any = None,
        *,
        method: str = "",
        timeout_s: float = 3.0,
        fallback: Any = None,
        step: str = "",
    ) -> Any:
        """Ask one of the company's systems, in JSON; `fallback` where it fails or is too slow."""
        with self._as_step("http", step or "http") as done:
            return await self._outside(
                lambda world: world.http(method or ("GET" if json is None else "POST"), url, json, timeout_s),
                fallback,
                done,
            )

    async def db(
        self, query: str, *, timeout_s: float = 3.0, fallback: Any = None, step: str = "", **values: Any
    ) -> Any:
        """The rows of a query that the configuration names, as dicts; `fallback` where it fails or is too slow."""
        with self._as_step("db", step or query) as done:
            return await self._outside(lambda world: world.query(query, values, timeout_s), fallback, done)

    async def rate(
        self,
        *parts: Part,
        grades: Mapping[str, tuple[str, float]],
        thanks: Sequence[Part] = (THANKS,),
        step: str = "",
    ) -> str:
        """Ask how content the caller is with who served him; `grades` gives each key a name and a score of 0 to 100."""
        grade = await self.menu(*parts, choices=grades, retries=1, step=step or "rate")
        if grade is None:
            return ""
        name, score = grade
        served = self.served
        self.services.write(
            CallRated(
                call=self.call.id,
                grade=name,
                score=score,
                agent=served.agent if served is not None else "",
                queue=served.queue if served is not None else "",
            )
        )
        await self._say(tuple(thanks))
        return str(name)

    # ---- within

    async def _say(self, parts: tuple[Part, ...], barge_in: bool = True) -> None:
        if not parts or (barge_in and self.call.digits_waiting):
            return
        sources = await self.services.prompts.sources(parts, self.language)
        if sources:
            await self.call.play(sources, until_digit=barge_in)

    async def _confirmed(self, typed: str, wait_s: float) -> bool:
        await self._say((ENTERED, Value("digits", typed), CONFIRM))
        return await self.call.digit(wait_s) == "1"

    async def _outside(
        self, ask: Callable[[Outside], Awaitable[Any]], fallback: Any, done: Callable[[str], None]
    ) -> Any:
        if self.services.outside is None:
            raise FlowError("this exchange is not connected to other systems")
        try:
            answer = await ask(self.services.outside)
        except OSError as error:  # OutsideError is one; so is TimeoutError
            done(f"failed: {error}"[:200])
            return fallback
        done("answered")
        return answer

    def decided(self, step: str, verb: str, outcome: str) -> None:
        """Journal a step in which the flow decided by itself."""
        self._count(step)
        self._write_step(step, verb, outcome)

    @contextmanager
    def _as_step(self, verb: str, step: str) -> Iterator[Callable[[str], None]]:
        """Journal the verb that runs within, under the outcome that it tells."""
        self._count(step)
        outcome = "done"

        def done(what: str) -> None:
            nonlocal outcome
            outcome = what

        try:
            yield done
        except CallerGone:
            outcome = "hung up"
            raise
        except CallError as error:
            outcome = f"failed: {error}"[:200]
            raise
        finally:
            self._write_step(step, verb, outcome)

    def _count(self, step: str) -> None:
        self._step = step
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise FlowError(f"the flow {self.name!r} took more than {MAX_STEPS} steps")

    def _write_step(self, step: str, verb: str, outcome: str) -> None:
        self.services.write(FlowStep(call=self.call.id, flow=self.name, step=step, verb=verb, outcome=outcome))

    async def run(self, work: Callable[["Flow"], Awaitable[None]]) -> None:
        """Let `work` serve the call, from its first record to its last. Raises what `work` raises."""
        self.services.write(FlowStarted(call=self.call.id, flow=self.name, version=self.version))
        outcome, reason = "failed", ""
        try:
            await work(self)
            outcome = "done"
        except CallerGone:
            outcome = "hung-up"
            raise
        except Exception as error:
            reason = str(error)[:200]
            raise
        finally:
            self.services.write(
                FlowEnded(call=self.call.id, flow=self.name, outcome=outcome, step=self._step, reason=reason)  # type: ignore[arg-type]
            )


def _name_of(parts: tuple[Part, ...]) -> str:
    """A step without a name of its own is called after its first prompt."""
    first = parts[0] if parts else ""
    return first.name if isinstance(first, Prompt) else first[:40] if isinstance(first, str) else "say"
