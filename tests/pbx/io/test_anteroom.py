# SPDX-License-Identifier: Apache-2.0
"""Twice as many calls as can be carried, on a clock in hand: what is begun is finished, the rest is refused at once."""

from heapq import heappop, heappush

from switchroom.pbx.admission import MAX_WAIT_S, OVERLOAD_S, Admission
from switchroom.pbx.config import Limits
from switchroom.pbx.io.anteroom import AT_ONCE, MAX_WAITING, Anteroom
from switchroom.pbx.sip.flow import Flow

FLOW = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.2", 5060))
BEGIN_S, REFUSE_S, LATER_S = 0.000_4, 0.000_1, 0.000_15
SOON, AT_THE_END = 0.005, 0.5
"""180, 200 and ACK come soon after the INVITE, BYE and its answer when the call is over."""


class Exchange:
    """A model of one: a call costs something when it begins, and for each of its messages afterwards."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.anteroom = Anteroom()
        limits = Limits(calls=100_000, calls_per_second=100_000, calls_per_second_per_source=100_000)
        self.admission = Admission(limits, lambda: self.now_s, lambda: 0, lambda: self.anteroom.waited_s)
        self.later: list[float] = []
        """When messages of calls that have begun arrive."""
        self.begun: list[float] = []
        self.refused: list[float] = []
        self.late_s = 0.0
        """How late a message of a call that has begun was served at worst."""

    def run(self, until_s: float, calls_per_second: float) -> None:
        arrival_s = self.now_s
        while self.now_s < until_s:
            while arrival_s <= self.now_s:
                self.anteroom.put(b"INVITE", FLOW, arrival_s)
                arrival_s += 1 / calls_per_second
            if self.later and self.later[0] <= self.now_s:
                self.late_s = max(self.late_s, self.now_s - heappop(self.later))
                self.now_s += LATER_S
            elif self.anteroom:
                self.anteroom.serve(self._deliver, self.now_s)
            else:
                self.now_s = min(arrival_s, self.later[0] if self.later else arrival_s)

    def _deliver(self, data: bytes, flow: Flow) -> None:
        if self.admission.refusal("192.0.2.2"):
            self.refused.append(self.now_s)
            self.now_s += REFUSE_S
        else:
            self.begun.append(self.now_s)
            self.now_s += BEGIN_S
            for delay_s in (SOON, SOON, SOON, AT_THE_END, AT_THE_END):
                heappush(self.later, self.now_s + delay_s)


def test_twice_the_load_is_carried_by_half_and_forgotten_at_once() -> None:
    capacity = 1 / (BEGIN_S + 5 * LATER_S)
    exchange = Exchange()
    exchange.run(10, 0.9 * capacity)
    assert not exchange.refused

    exchange.run(70, 2 * capacity)
    carried = len([at for at in exchange.begun if 11 <= at < 70]) / 59
    assert carried > 0.85 * capacity, "refusing costs little"
    assert exchange.late_s < 0.05, "what was begun does not wait"
    assert len(exchange.anteroom) < 3 * capacity * MAX_WAIT_S

    exchange.run(71, 0.9 * capacity)
    before = len(exchange.refused)
    exchange.run(80, 0.9 * capacity)
    assert len(exchange.refused) == before, "a second after the overload nobody is refused any more"


def test_a_loop_that_is_late_again_and_again_takes_no_new_calls() -> None:
    admission = Exchange().admission
    admission.note_lateness(2 * OVERLOAD_S)
    assert admission.refusal("192.0.2.2") == "", "the machine stood still once"
    admission.note_lateness(2 * OVERLOAD_S)
    assert admission.refusal("192.0.2.2") == "overload"
    admission.note_lateness(0.0)
    assert admission.refusal("192.0.2.2") == ""


def test_what_waits_is_bounded_and_served_in_order() -> None:
    anteroom, served = Anteroom(), []
    for number in range(MAX_WAITING + 10):
        anteroom.put(b"%d" % number, FLOW, 1.0)
    assert (len(anteroom), anteroom.dropped) == (MAX_WAITING, 10)
    anteroom.serve(lambda data, flow: served.append((int(data), anteroom.waited_s)), 1.5)
    assert served == [(number, 0.5) for number in range(AT_ONCE)]
    assert anteroom.waited_s == 0
