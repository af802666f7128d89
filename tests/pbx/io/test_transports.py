# SPDX-License-Identifier: Apache-2.0
"""The transports over real sockets on loopback: what a peer sends arrives, what is lost is told, nobody hogs them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from switchroom.pbx.io.address import Listener
from switchroom.pbx.io.connections import TcpLimits
from switchroom.pbx.io.flood import FloodGate
from switchroom.pbx.io.transports import Transports
from switchroom.pbx.sip.flow import Flow

HOST = "127.0.32.1"
PEER = "127.0.32.2"
LIMITS = TcpLimits(connections=30, connections_per_source=5, message_s=0.3, connect_s=0.3, unsent_bytes=100_000)


def message(number: int = 1, body: bytes = b"") -> bytes:
    return (
        f"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK{number}\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: {number} OPTIONS\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Core:
    """What stands above the transports: keeps what comes up."""

    def __init__(self, transports: Transports) -> None:
        self.transports = transports
        self.messages: asyncio.Queue[tuple[bytes, Flow]] = asyncio.Queue()
        self.losses: asyncio.Queue[tuple[Flow, str]] = asyncio.Queue()
        transports.on_message = lambda data, flow: self.messages.put_nowait((data, flow))
        transports.on_lost = lambda flow, reason: self.losses.put_nowait((flow, reason))

    def address(self, transport: str) -> tuple[str, int]:
        return next(entry[1:] for entry in self.transports.listeners if entry.transport == transport)

    async def received(self) -> tuple[bytes, Flow]:
        return await asyncio.wait_for(self.messages.get(), 5)

    async def lost(self) -> tuple[Flow, str]:
        return await asyncio.wait_for(self.losses.get(), 5)


@asynccontextmanager
async def exchange(*listeners: Listener, limits: TcpLimits = LIMITS) -> AsyncIterator[Core]:
    core = Core(Transports(limits))
    await core.transports.start(listeners)
    try:
        yield core
    finally:
        await core.transports.close()


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    async with exchange(Listener("UDP", HOST, 0), Listener("TCP", HOST, 0)) as core:
        yield core


async def connect(core: Core, host: str = PEER) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*core.address("TCP"), local_addr=(host, 0))


@pytest.fixture
def phone() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((PEER, 0))
        sock.setblocking(False)
        yield sock


async def datagram(phone: socket.socket) -> tuple[bytes, tuple[str, int]]:
    """The next datagram that the phone gets."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(phone, readable.set)
    await asyncio.wait_for(readable.wait(), 5)
    loop.remove_reader(phone)
    return phone.recvfrom(100)


async def test_udp_both_ways_over_one_remembered_flow(core: Core, phone: socket.socket) -> None:
    phone.sendto(message(1), core.address("UDP"))
    data, flow = await core.received()
    assert (data, flow) == (message(1), Flow("UDP", core.address("UDP"), phone.getsockname(), 0))
    core.transports.send(b"answer", flow)
    assert await datagram(phone) == (b"answer", core.address("UDP"))
    assert core.transports.flow("UDP", *phone.getsockname()) is flow


async def test_keep_alives_over_udp_are_not_messages(core: Core, phone: socket.socket) -> None:
    for ping in (b"", b"\r\n\r\n", b"\0\0\0\0", b"jaK"):
        phone.sendto(ping, core.address("UDP"))
    phone.sendto(message(), core.address("UDP"))
    assert (await core.received())[0] == message()


async def test_a_dead_peer_does_not_disturb_the_others_over_udp(core: Core, phone: socket.socket) -> None:
    dead = core.transports.flow("UDP", PEER, 9)  # nobody listens: ICMP port unreachable comes back
    for _ in range(20):
        core.transports.send(b"hello?", dead)
    core.transports.send(b"x" * 70_000, dead)
    flow, reason = await core.lost()
    assert flow == dead
    assert "too long" in reason
    phone.sendto(message(), core.address("UDP"))
    assert (await core.received())[0] == message()


async def test_a_wildcard_listener_answers_from_the_address_that_the_peer_sees(phone: socket.socket) -> None:
    async with exchange(Listener("UDP", "0.0.0.0", 0)) as core:
        phone.sendto(message(), (HOST, core.address("UDP")[1]))
        _, flow = await core.received()
        assert flow.local[0] != "0.0.0.0"
        core.transports.send(b"answer", flow)
        assert (await datagram(phone))[0] == b"answer"


async def test_a_bad_listener_leaves_nothing_bound(core: Core) -> None:
    second = Transports()
    with pytest.raises(OSError):
        await second.start([Listener("UDP", HOST, 0), Listener("TCP", *core.address("TCP"))])
    assert second.listeners == []
    for entry in (Listener("SCTP", HOST, 0), Listener("UDP", "localhost", 0)):
        with pytest.raises(ValueError):
            await second.start([entry])


@pytest.mark.parametrize(("transport", "host", "port"), [("TLS", HOST, 1), ("UDP", "phone", 1), ("UDP", HOST, 65_536)])
async def test_a_flow_to_nowhere_is_refused(core: Core, transport: str, host: str, port: int) -> None:
    with pytest.raises(ValueError):
        core.transports.flow(transport, host, port)


async def test_tcp_frames_messages_and_answers_on_the_connection(core: Core) -> None:
    reader, writer = await connect(core)
    writer.write(message(1, b"abc") + message(2)[:50])
    data, flow = await core.received()
    assert data == message(1, b"abc")
    assert flow.remote == writer.get_extra_info("sockname")
    writer.write(message(2)[50:])
    assert await core.received() == (message(2), flow)
    core.transports.send(b"answer", flow)
    assert await reader.readexactly(6) == b"answer"
    assert core.transports.flow("TCP", *flow.remote) is flow, "requests go back over the phone's own connection"
    assert core.transports.is_open(flow)
    assert not core.transports.is_open(flow._replace(remote=(PEER, 9))), "a flow of a former run with the same key"
    writer.close()
    assert (await core.lost())[0] == flow
    assert not core.transports.is_open(flow)
    core.transports.send(b"too late", flow)
    assert await core.lost() == (flow, "the connection is closed")
    assert core.transports.connections == 0


async def test_tcp_keep_alive_is_answered(core: Core) -> None:
    reader, writer = await connect(core)
    for _ in range(2):
        writer.write(b"\r\n\r\n")
        assert await reader.readexactly(2) == b"\r\n"
    writer.write(b"\r\n\r\n" * 20_000 + message())
    assert (await core.received())[0] == message()
    answers = await reader.read(100_000)
    assert 0 < len(answers) < 1_000, "a flood of pings is not answered one by one"
    writer.close()


async def test_broken_framing_is_answered_with_400_and_the_end(core: Core) -> None:
    reader, writer = await connect(core)
    writer.write(message(1) + message(2).replace(b"Content-Length: 0\r\n", b"") + message(3))
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"SIP/2.0 400 ")
    assert b"CSeq: 2 OPTIONS" in answer
    assert answer.count(b"SIP/2.0 4") == 1
    assert (await core.received())[0] == message(1)
    assert core.messages.empty()
    writer.close()


async def test_a_fault_above_does_not_cost_the_connection(core: Core) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context.get("exception")))
    async with exchange(Listener("TCP", HOST, 0)) as broken:
        broken.transports.on_message = lambda data, flow: 1 // 0  # type: ignore[func-returns-value]
        reader, writer = await connect(broken)
        writer.write(message() + b"\r\n\r\n")
        assert await reader.readexactly(2) == b"\r\n"
        assert [type(fault) for fault in faults] == [ZeroDivisionError]
        writer.close()


async def test_an_opened_connection_sends_what_waited_and_is_used_again(core: Core) -> None:
    arrived: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: arrived.put_nowait((r, w)), PEER, 0)
    remote = server.sockets[0].getsockname()
    flow = core.transports.flow("TCP", *remote)
    assert flow.local == core.address("TCP"), "the address for Via and Contact is the listener's"
    core.transports.send(b"one ", flow)
    core.transports.send(b"two ", core.transports.flow("TCP", *remote))
    reader, writer = await asyncio.wait_for(arrived.get(), 5)
    assert await reader.readexactly(8) == b"one two "
    core.transports.send(b"three", flow)
    assert await reader.readexactly(5) == b"three"
    writer.write(message(7))
    assert await core.received() == (message(7), flow)
    writer.close()
    assert (await core.lost())[0] == flow
    server.close()


async def test_a_connection_that_cannot_be_opened_is_told_once(core: Core) -> None:
    flow = core.transports.flow("TCP", PEER, 9)
    core.transports.send(b"hello", flow)
    lost, reason = await core.lost()
    assert lost == flow
    assert "no connection" in reason
    await asyncio.sleep(0)
    assert core.losses.empty()
    assert core.transports.connections == 0


async def test_what_waits_for_a_connection_is_bounded_and_so_is_the_wait(core: Core) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as full:  # accepts nothing: its backlog is full at once
        full.bind((PEER, 0))
        full.listen(0)
        fillers = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        greedy = core.transports.flow("TCP", *full.getsockname())
        for _ in range(100):
            core.transports.send(b"x" * 1_000, greedy)
        assert await core.lost() == (greedy, "too much waits for the connection")
        patient = core.transports.flow("TCP", *full.getsockname())
        assert patient != greedy
        assert await core.lost() == (patient, "no connection within 0.3 s")
        for filler in fillers:
            filler.close()


async def test_a_peer_that_does_not_read_loses_its_connection(core: Core) -> None:
    _, writer = await connect(core)
    writer.write(message())
    _, flow = await core.received()
    for _ in range(20_000):
        core.transports.send(b"x" * 1_000, flow)
        if not core.losses.empty():
            break
        await asyncio.sleep(0)
    assert await core.lost() == (flow, "the peer does not read")
    writer.transport.abort()


async def test_silent_and_slow_peers_are_closed_at_the_deadline(core: Core) -> None:
    silent, silent_writer = await connect(core)
    loris, loris_writer = await connect(core)
    working, working_writer = await connect(core)
    working_writer.write(message())
    await core.received()

    async def drip() -> None:
        for byte in message():
            loris_writer.write(bytes([byte]))
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    assert await asyncio.wait_for(silent.read(), 3) == b""
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(loris.readexactly(1), 3)
    reasons = {(await core.lost())[1] for _ in range(2)}
    assert reasons == {"no complete message within 0.3 s"}
    working_writer.write(b"\r\n\r\n")
    assert await working.readexactly(2) == b"\r\n"
    dripping.cancel()
    for writer in (silent_writer, loris_writer, working_writer):
        writer.transport.abort()


async def test_an_idle_connection_is_closed_unless_it_is_in_use() -> None:
    async with exchange(Listener("TCP", HOST, 0), limits=TcpLimits(idle_s=0.2)) as core:
        (_, first), (_, second) = await connect(core), await connect(core)
        first.write(message())
        used = (await core.received())[1]
        core.transports.in_use = lambda flow: flow == used
        second.write(message())
        idle = (await core.received())[1]
        assert await core.lost() == (idle, "idle for 0.2 s")
        assert core.transports.flow("TCP", *used.remote) is used
        first.close()
        second.close()


async def test_a_tap_may_come_while_messages_flow(core: Core, phone: socket.socket) -> None:
    phone.sendto(message(1), core.address("UDP"))
    await core.received()
    tapped: asyncio.Queue[bytes] = asyncio.Queue()
    core.transports.on_message = lambda data, flow: tapped.put_nowait(data)
    phone.sendto(message(2), core.address("UDP"))
    assert await asyncio.wait_for(tapped.get(), 5) == message(2)
    assert core.messages.empty()


async def test_a_flood_of_messages_is_dropped_before_it_is_read(phone: socket.socket) -> None:
    async with exchange(Listener("UDP", HOST, 0)) as core:
        core.transports.gate = FloodGate(10)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
            flooder.bind(("127.0.32.4", 0))
            for number in range(50):
                flooder.sendto(message(number), core.address("UDP"))
        phone.sendto(message(), core.address("UDP"))
        sources = [(await core.received())[1].remote[0] for _ in range(11)]
        assert sources == ["127.0.32.4"] * 10 + [PEER]
        assert core.messages.empty()
        assert core.transports.gate.dropped == 40


async def test_a_flood_of_connections_leaves_the_phone_alone(core: Core) -> None:
    reader, writer = await connect(core, "127.0.32.3")
    writer.write(message())
    await core.received()
    flood = [await connect(core) for _ in range(60)]
    assert core.transports.connections <= 1 + LIMITS.connections_per_source
    writer.write(b"\r\n\r\n")
    assert await reader.readexactly(2) == b"\r\n"
    for _, flooder in [*flood, (reader, writer)]:
        flooder.transport.abort()


async def test_closing_sends_what_waits_and_ends_all(core: Core) -> None:
    reader, writer = await connect(core)
    writer.write(message())
    _, flow = await core.received()
    core.transports.send(b"goodbye", flow)
    await core.transports.close()
    assert await asyncio.wait_for(reader.read(), 5) == b"goodbye"
    assert (await core.lost())[0] == flow
    writer.close()
