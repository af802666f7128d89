# SPDX-License-Identifier: Apache-2.0
"""The four transaction tables: every pair is ruled or ignored by name, and the timers are those of RFC 3261."""

import pytest

from switchroom.pbx.sip import transaction as tx
from switchroom.pbx.sip.errors import StateError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Request, Response
from switchroom.pbx.sip.timers import TimerValues
from switchroom.pbx.sip.transaction import MACHINES, Machine, Transaction
from switchroom.pbx.sip.transactions import Transactions, Wire
from tests.sim.network import Network, SeededIds

NETWORK_INPUTS = {
    "INVITE client": {tx.P1XX, tx.P2XX, tx.P3XX, tx.ERROR},
    "non-INVITE client": {tx.P1XX, tx.FINAL, tx.ERROR},
    "INVITE server": {tx.REQUEST, tx.ACK, tx.ERROR},
    "non-INVITE server": {tx.REQUEST, tx.ERROR},
}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_whatever_the_network_sends_is_ruled_or_ignored(machine: Machine) -> None:
    states = {state for state, _ in machine.table}
    for state in states:
        for event in NETWORK_INPUTS[machine.name]:
            ruled, ignored = (state, event) in machine.table, (state, event) in machine.ignored
            assert ruled != ignored, f"{machine.name}: {event} in {state}"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_state_can_be_reached_and_left(machine: Machine) -> None:
    reached, todo = {machine.initial}, [machine.initial]
    while todo:
        state = todo.pop()
        for (source, _), (target, _) in machine.table.items():
            if source == state and target not in reached:
                reached.add(target)
                todo.append(target)
    assert {state for state, _ in machine.table} | {tx.TERMINATED} == reached
    assert not any(state == tx.TERMINATED for state, _ in machine.table)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_timer_that_is_started_has_a_rule_when_it_fires(machine: Machine) -> None:
    starts = [(machine.initial, machine.on_start)] + [(target, actions) for target, actions in machine.table.values()]
    for state, actions in starts:
        for action in actions:
            name = action.__name__
            if name.startswith(("start_", "restart_")):
                letter = name.split("_")[1]
                assert (state, f"timer {letter}") in machine.table, f"{machine.name}: timer {letter} in {state}"


class Rig:
    """One transaction on a virtual clock, with what it sent and told."""

    def __init__(self, method: str, transport: str = "UDP", server: bool = False) -> None:
        self.network = Network()
        self.sent: list[tuple[float, str]] = []
        self.told: list[str] = []
        self.flow = Flow(transport, ("10.0.0.1", 5060), ("10.0.0.2", 5060), 7 if transport == "TCP" else 0)
        wire = Wire(
            send=lambda data, flow: self.sent.append(
                (self.network.now, data.split(b" ", 2)[0 if data[:3] != b"SIP" else 1].decode())
            ),
            sent_by=lambda flow: flow.local,
            stream=lambda flow: None,
        )
        self.layer = Transactions(self.network.timers(), TimerValues(), wire, SeededIds(1).branch, 1000)
        headers = {
            "via": ["SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKx"] if server else [],
            "from": ["<sip:a@h>;tag=1"],
            "to": ["<sip:b@h>"],
            "call-id": ["c"],
            "cseq": [f"1 {method}"],
        }
        self.request = Request(method, "sip:b@h", headers)
        self.transaction: Transaction = (
            self.layer.open_server(self.request, self.flow, self)
            if server
            else self.layer.request(self.request, self.flow, self)
        )

    def on_response(self, transaction: Transaction, response: Response) -> None:
        self.told.append(str(response.status))

    def on_ack(self, transaction: Transaction, ack: Request) -> None:
        self.told.append("ack")

    def on_failure(self, transaction: Transaction, status: int) -> None:
        self.told.append(f"failure {status}")

    def respond(self, status: int) -> None:
        """The far end's response arrives, or ours goes out."""
        response = self.request.response(status, to_tag="9")
        if self.transaction.machine in (tx.INVITE_SERVER, tx.NON_INVITE_SERVER):
            self.transaction.respond(response)
        else:
            assert self.layer.receive_response(response)

    def times(self, what: str) -> list[float]:
        return [at for at, sent in self.sent if sent == what]

    @property
    def state(self) -> str:
        return self.transaction.state


def test_invite_client_times_a_and_b() -> None:
    rig = Rig("INVITE")
    rig.network.run(31.999)
    assert rig.state == tx.CALLING
    assert rig.times("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    rig.network.run(0.001)
    assert rig.state == tx.TERMINATED
    assert rig.told == ["failure 408"]
    assert len(rig.layer) == 0


def test_invite_client_over_tcp_is_sent_once() -> None:
    rig = Rig("INVITE", "TCP")
    rig.network.run(40)
    assert rig.times("INVITE") == [0]
    assert rig.told == ["failure 408"]


def test_invite_client_acknowledges_each_failure_for_32_seconds() -> None:
    rig = Rig("INVITE")
    rig.respond(486)
    rig.respond(486)
    assert rig.told == ["486"]
    assert len(rig.times("ACK")) == 2
    rig.network.run(31.999)
    assert rig.state == tx.COMPLETED
    rig.network.run(0.001)
    assert rig.state == tx.TERMINATED


def test_invite_client_passes_each_2xx_for_32_seconds() -> None:
    rig = Rig("INVITE")
    rig.respond(180)
    rig.respond(200)
    rig.respond(200)
    assert rig.told == ["180", "200", "200"]
    rig.network.run(31.999)
    assert rig.state == tx.ACCEPTED
    rig.network.run(0.001)
    assert rig.state == tx.TERMINATED


def test_non_invite_client_times_e_f_and_k() -> None:
    rig = Rig("OPTIONS")
    rig.network.run(32)
    assert rig.times("OPTIONS") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert rig.told == ["failure 408"]
    rig = Rig("OPTIONS")
    rig.respond(200)
    rig.network.run(4.999)
    assert rig.state == tx.COMPLETED
    rig.network.run(0.001)
    assert rig.state == tx.TERMINATED


def test_non_invite_client_slows_down_after_a_provisional_response() -> None:
    rig = Rig("OPTIONS")
    rig.network.run(0.1)
    rig.respond(100)
    rig.network.run(13)
    assert rig.times("OPTIONS") == [0, 0.5, 4.5, 8.5, 12.5]


def test_invite_server_times_g_h_and_i() -> None:
    rig = Rig("INVITE", server=True)
    rig.respond(486)
    rig.network.run(31.999)
    assert rig.state == tx.COMPLETED
    assert rig.times("486") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    rig.network.run(0.001)
    assert rig.told == ["failure 408"]
    rig = Rig("INVITE", server=True)
    rig.respond(486)
    rig.transaction.step(tx.ACK)
    rig.network.run(4.999)
    assert rig.state == tx.CONFIRMED
    assert rig.times("486") == [0]
    rig.network.run(0.001)
    assert rig.state == tx.TERMINATED


def test_non_invite_server_answers_repetitions_for_32_seconds() -> None:
    rig = Rig("OPTIONS", server=True)
    rig.transaction.step(tx.REQUEST)
    assert rig.sent == []
    rig.respond(200)
    assert rig.layer.receive_request(rig.request)
    assert len(rig.times("200")) == 2
    rig.network.run(31.999)
    assert rig.state == tx.COMPLETED
    rig.network.run(0.001)
    assert rig.state == tx.TERMINATED


def test_over_tcp_nothing_lingers() -> None:
    rig = Rig("OPTIONS", "TCP")
    rig.respond(200)
    assert rig.state == tx.TERMINATED
    assert len(rig.layer) == 0


def test_a_lost_connection_fails_what_is_under_way() -> None:
    rig = Rig("INVITE", "TCP")
    rig.layer.flow_lost(rig.flow)
    assert rig.told == ["failure 503"]
    assert len(rig.layer) == 0


def test_an_input_that_makes_no_sense_is_a_fault() -> None:
    rig = Rig("INVITE", server=True)
    rig.respond(486)
    with pytest.raises(StateError):
        rig.respond(200)


def test_an_invite_is_told_to_wait_only_when_nothing_is_said_for_200_ms() -> None:
    rig = Rig("INVITE", server=True)
    rig.network.run(0.199)
    assert rig.sent == []
    rig.network.run(0.001)
    assert rig.times("100") == [0.2]
    rig.transaction.step(tx.REQUEST)  # it is what is said again
    assert len(rig.times("100")) == 2
    for status in (180, 200, 404):
        prompt = Rig("INVITE", server=True)
        prompt.network.run(0.1)
        prompt.respond(status)
        prompt.network.run(0.15)
        assert [sent for _, sent in prompt.sent] == [str(status)]


def test_an_invite_that_comes_again_after_its_2xx_gets_it_again() -> None:
    rig = Rig("INVITE", server=True)
    rig.respond(200)
    rig.network.run(10)
    assert rig.layer.receive_request(rig.request)
    assert rig.times("200") == [0, 10]
    rig.network.run(22)
    assert rig.state == tx.TERMINATED
