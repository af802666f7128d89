# SPDX-License-Identifier: Apache-2.0
"""A network and a clock that exist only in memory: seeded loss, delay, duplication and reordering; time jumps."""

import heapq
import random
from collections.abc import Callable
from itertools import count

from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.timers import Timers, TimerValues
from switchroom.pbx.sip.transactions import Wire
from switchroom.pbx.sip.uri import parse_uri
from switchroom.pbx.sip.user_agent import UserAgent

Address = tuple[str, int]


class SeededIds:
    """Identifiers that repeat from run to run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def tag(self) -> str:
        return f"{self._random.getrandbits(40):010x}"

    branch = tag

    def call_id(self) -> str:
        return f"{self.tag()}@sim"

    def below(self, limit: int) -> int:
        return self._random.randrange(limit)


class Network:
    """Carries datagrams between addresses in virtual time.

    `loss`, `duplicate` and `reorder` are probabilities; `delay_s` is the one-way delay, and a reordered datagram takes
    up to ten times as long. `log` keeps (time, from, to, start line).
    """

    def __init__(
        self, seed: int = 1, *, loss: float = 0.0, duplicate: float = 0.0, reorder: float = 0.0, delay_s: float = 0.001
    ) -> None:
        self.now = 0.0
        self.loss, self.duplicate, self.reorder, self.delay_s = loss, duplicate, reorder, delay_s
        self.log: list[tuple[float, Address, Address, str]] = []
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._receivers: dict[Address, Callable[[bytes, Flow], None]] = {}
        self._timers: list[Timers] = []

    def clock(self) -> float:
        return self.now

    def at(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._events, (self.now + delay_s, next(self._order), action))

    def bind(self, address: Address, receive: Callable[[bytes, Flow], None]) -> None:
        self._receivers[address] = receive

    def timers(self) -> Timers:
        timers = Timers(self.clock)
        self._timers.append(timers)
        return timers

    def agent(self, address: Address, seed: int, values: TimerValues | None = None, **options: object) -> UserAgent:
        """A user agent core at an address."""

        def resolve(uri: str) -> Flow | None:
            host, port = parse_uri(uri).address
            return Flow("UDP", address, (host, port)) if host[:1].isdigit() else None

        wire = Wire(
            send=lambda data, flow: self.send(data, address, flow.remote),
            sent_by=lambda flow: address,
            stream=lambda flow: None,
        )
        agent = UserAgent(wire, self.timers(), SeededIds(seed), values=values, resolve=resolve, **options)  # type: ignore[arg-type]
        agent.on_fault = _raise
        self.bind(address, agent.receive)
        return agent

    def send(self, data: bytes, source: Address, target: Address) -> None:
        """One datagram, with the network's fortune."""
        self.log.append((self.now, source, target, data.split(b"\r\n", 1)[0].decode("utf-8", "replace")))
        copies = 2 if self._random.random() < self.duplicate else 1
        for _ in range(copies):
            if self._random.random() < self.loss:
                continue
            late = self._random.random() < self.reorder
            delay_s = self.delay_s * (1 + 10 * self._random.random() if late else 1)
            self.at(delay_s, lambda: self._deliver(data, source, target))

    def run(self, seconds: float) -> None:
        """Let virtual time pass: events and timers in order."""
        end = self.now + seconds
        while True:
            deadlines = [d for timers in self._timers if (d := timers.next_deadline()) is not None]
            if self._events:
                deadlines.append(self._events[0][0])
            if not deadlines or min(deadlines) > end:
                break
            self.now = max(self.now, min(deadlines))
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
            for timers in self._timers:
                timers.run()
        self.now = end

    def _deliver(self, data: bytes, source: Address, target: Address) -> None:
        receive = self._receivers.get(target)
        if receive is not None:
            receive(data, Flow("UDP", target, source))


def _raise(error: BaseException) -> None:
    raise error
