# SPDX-License-Identifier: Apache-2.0
"""The SIP trace: whole messages of the calls, users or numbers that somebody wants to see, or of all.

While nothing is traced the stack has no tap, and the trace costs nothing.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import msgspec

from switchroom.pbx.io.stack import SipStack
from switchroom.pbx.sip.flow import Flow

MAX_SUBJECTS = 100
MAX_CALLS = 200
MAX_MESSAGES = 200
"""Kept per SIP Call-ID."""

_CALL_ID = re.compile(rb"\r\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE)


class Traced(msgspec.Struct, frozen=True):
    """One message of a trace."""

    at_s: float
    direction: str
    """`<` received, `>` sent."""
    flow: str
    text: str


class Trace:
    """What is traced: subjects are SIP Call-IDs, users and numbers; a message that names one is kept and logged."""

    def __init__(self, stack: SipStack, clock: Callable[[], float], log: Callable[..., Any]) -> None:
        self._stack = stack
        self._clock = clock
        self._log = log
        self._subjects: dict[str, bytes] = {}
        self._everything = False
        self._calls: set[bytes] = set()
        self._kept: OrderedDict[str, deque[Traced]] = OrderedDict()

    def start(self, subject: str) -> None:
        """Trace what names `subject` from now on, or everything for `*`. Raises ValueError for too many subjects."""
        if len(self._subjects) >= MAX_SUBJECTS:
            raise ValueError(f"{MAX_SUBJECTS} subjects are traced already")
        self._subjects[subject] = subject.encode("utf-8", "surrogateescape")
        self._set()

    def stop(self, subject: str) -> bool:
        """Trace `subject` no longer; what was kept stays to be read. False when it was not traced."""
        found = self._subjects.pop(subject, None) is not None
        self._set()
        return found

    def subjects(self) -> list[str]:
        return list(self._subjects)

    def messages(self, call_id: str) -> list[Traced]:
        """What was kept of one SIP Call-ID."""
        return list(self._kept.get(call_id, ()))

    def _set(self) -> None:
        self._everything = "*" in self._subjects
        self._stack.set_tap(self._tap if self._subjects else None)
        if not self._subjects:
            self._calls.clear()

    def _tap(self, direction: str, data: bytes, flow: Flow) -> None:
        match = _CALL_ID.search(data)
        call_id = match[1].strip() if match is not None else b""
        if not self._everything and call_id not in self._calls:
            head = data.partition(b"\r\n\r\n")[0]
            if not any(subject in head for subject in self._subjects.values()):
                return
            if len(self._calls) < MAX_CALLS:  # from here on the whole dialog is seen
                self._calls.add(call_id)
        self._keep(call_id.decode("utf-8", "replace"), direction, data, flow)

    def _keep(self, call_id: str, direction: str, data: bytes, flow: Flow) -> None:
        text = _without_secrets(data.decode("utf-8", "replace"))
        messages = self._kept.get(call_id)
        if messages is None:
            if len(self._kept) >= MAX_CALLS:
                self._kept.popitem(last=False)
            messages = self._kept[call_id] = deque(maxlen=MAX_MESSAGES)
        messages.append(Traced(self._clock(), direction, str(flow), text))
        self._log("sip.trace", sip_call_id=call_id, direction=direction, flow=str(flow), message=text)


def _without_secrets(text: str) -> str:
    """A digest response could be tried against a dictionary, an SRTP key opens the call: neither goes into logs."""
    text = re.sub(r'(?i)(response=")[0-9a-f]+(")', r"\1...\2", text)
    return re.sub(r"(?i)(inline:)[a-z0-9+/=]+", r"\1...", text)
