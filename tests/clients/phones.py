# SPDX-License-Identifier: Apache-2.0
"""A desk full of phones for the tests of one module: each is started when it is first asked for, with its own tone."""

import time
from pathlib import Path
from typing import Any

from tests.clients.audio import Heard
from tests.clients.baresip import Baresip
from tests.clients.conftest import need
from tests.clients.server import HOST, ServerProcess

HZ = {"1001": 500, "1002": 900, "1003": 1300, "1004": 1700, "1005": 2600}


class Phones:
    """baresips of the users 1001 and on. Those named `by_hand` answer when they are told to."""

    def __init__(self, server: ServerProcess, folder: Path, by_hand: tuple[str, ...] = ()) -> None:
        need("baresip")
        self.server = server
        self._folder, self._by_hand = folder, by_hand
        self._phones: dict[str, Baresip] = {}
        self._begun_ms = 0

    def __getitem__(self, user: str) -> Baresip:
        if user not in self._phones:
            phone = Baresip(self._folder / user, self.server, user, hz=HZ[user], auto=user not in self._by_hand)
            self._phones[user] = phone
            phone.start()
            self.server.wait_for(f"the registration of {user}", lambda: self.registered(user))
        return self._phones[user]

    def of(self, *users: str) -> list[Baresip]:
        return [self[user] for user in users]

    def registered(self, user: str) -> list[Any]:
        found: list[Any] = self.server.call("registrations.list", user=user)["registrations"]
        return found

    def dial(self, phone: Baresip, number: str) -> None:
        phone.command("dial", f"sip:{number}@{HOST}:{self.server.sip}")

    def call(self, one: Baresip, two: Baresip, number: str = "") -> None:
        """Let one call the other, who answers by itself."""
        self.dial(one, number or two.user)
        one.wait("CALL_ESTABLISHED")
        two.wait("CALL_ESTABLISHED")

    def begin(self) -> None:
        """What was before is forgotten: call it before each test."""
        self.quiet()
        for phone in self._phones.values():
            phone.rest(0.01)
            phone.events.clear()
        self._begun_ms = time.time_ns() // 1_000_000

    def quiet(self) -> None:
        """No call is left, though a test may have failed."""
        for call in self.server.call("calls.list")["calls"]:
            self.server.call("calls.hangup", call=call["call"])
        self.server.wait_for("the end of all calls", lambda: self.server.call("system.status")["calls"] == 0)

    def cdrs(self, count: int = 1) -> list[dict[str, Any]]:
        """Those of the test's calls, which are over, the oldest first."""

        def found() -> list[dict[str, Any]]:
            cdrs = self.server.call("cdr.list", limit=1000)["cdrs"]
            new = [cdr for cdr in cdrs if cdr["started_at_ms"] >= self._begun_ms]
            over = len(new) >= count and self.server.call("system.status")["calls"] == 0
            return sorted(new, key=lambda cdr: cdr["started_at_ms"]) if over else []

        new: list[dict[str, Any]] = self.server.wait_for(f"{count} CDRs", found)
        assert len(new) == count, new
        return new

    def stop(self) -> None:
        for phone in self._phones.values():
            phone.quit()
        for phone in self._phones.values():
            phone.stop()


def assert_heard(phone: Baresip, hz: float, seconds: float) -> None:
    """A tone is in the last thing that a phone recorded, for so long."""
    heard = Heard(phone.recording(), hz)
    assert heard.seconds >= seconds, f"{phone.user} heard of {hz} Hz {heard} in {phone.recording().name}"


def assert_not_heard(phone: Baresip, hz: float) -> None:
    heard = Heard(phone.recording(), hz)
    assert heard.seconds == 0, f"{phone.user} heard of {hz} Hz {heard} in {phone.recording().name}"


def assert_talked(one: Baresip, two: Baresip, seconds: float) -> None:
    """They heard each other for so long."""
    assert_heard(one, two.hz, seconds)
    assert_heard(two, one.hz, seconds)


def parties(cdr: dict[str, Any]) -> list[tuple[str, str, int]]:
    """The legs of a CDR that were answered, or not: who, `in` or `out`, and its status."""
    return [(leg["party"], leg["direction"], leg["status"]) for leg in cdr["legs"]]


def length_s(cdr: dict[str, Any], party: str) -> float:
    """How long a party was in the call, from its answer on."""
    leg = next(leg for leg in cdr["legs"] if leg["party"] == party and leg.get("answered_at_ms"))
    return float(leg["ended_at_ms"] - leg["answered_at_ms"]) / 1000
