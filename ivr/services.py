# SPDX-License-Identifier: Apache-2.0
"""What flows need of the exchange around them: prompts, queues, other destinations, the company's systems, the journal.

All of it is handed in, so that flows run on the simulated exchange as they do on the real one.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

from switchroom.ivr.prompts import Prompts
from switchroom.pbx.call import Call
from switchroom.pbx.events import AnyRecord

QueueResult = Literal["served", "timeout", "full", "closed", "callback", "voicemail", "left"]
"""`served`: the caller talked to an agent, who has left; `left`: he chose to leave the queue by a key."""


class QueueOutcome(msgspec.Struct, frozen=True):
    """How waiting came out, for a caller who is still there."""

    queue: str
    result: QueueResult
    agent: str = ""
    waited_s: float = 0.0
    key: str = ""
    """What the caller pressed to leave."""


class Queues(Protocol):
    """The call centre's queues."""

    async def serve(self, call: Call, queue: str, **wishes: Any) -> QueueOutcome:
        """Let the caller wait and talk. Raises CallError for a queue that does not exist, CallerGone."""
        ...

    async def call_back(self, call: Call, queue: str, number: str) -> bool:
        """Keep the caller's place for a call to `number`; False where the queue does not do that."""
        ...


class Mailboxes(Protocol):
    """The users' voicemail."""

    def takes(self, mailbox: str) -> bool:
        """Whether there is such a box."""
        ...

    async def leave(
        self, call: Call, mailbox: str, *, most_s: float, silence_s: float, least_s: float
    ) -> tuple[str, int]:
        """Record a message after the tone: its path and milliseconds; an empty path where none was left, or the box is
        full. A caller who hangs up after speaking has left it too."""
        ...


class Outside(Protocol):
    """Other systems of the company. Both raise OSError (TimeoutError among them) with a reason."""

    async def http(self, method: str, url: str, json: Any, timeout_s: float) -> Any:
        """Send a request with a JSON body, or none; the JSON of a 2xx answer."""
        ...

    async def query(self, name: str, values: Mapping[str, Any], timeout_s: float) -> list[dict[str, Any]]:
        """The rows of a query that the configuration names."""
        ...


@dataclass(frozen=True)
class Services:
    """Made once for all flows of an exchange."""

    prompts: Prompts
    write: Callable[[AnyRecord], object]
    """Into the journal."""
    send: Callable[[Call, str], Awaitable[None]]
    """Serve a call at another destination; raises CallError where that does not work."""
    clock: Callable[[], float]
    """The event loop's, in seconds."""
    message_path: Callable[[str], str]
    """Where the next message of a call is recorded."""
    holds: Callable[[str], bool | None] = lambda name: None
    """Whether a time condition of the dial plan ([times]) holds now; None where there is none of the name."""
    queues: Queues | None = None
    outside: Outside | None = None
    mailboxes: Mailboxes | None = None
