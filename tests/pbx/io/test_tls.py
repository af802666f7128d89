# SPDX-License-Identifier: Apache-2.0
"""SIP over TLS on loopback: certificates by name, read again, asked for; and the limits that plain TCP has."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from switchroom.pbx.io.address import Listener
from switchroom.pbx.io.certificates import CertificateError, Certificates, TlsSettings
from switchroom.pbx.io.connections import TcpLimits
from switchroom.pbx.io.self_signed import ensure_self_signed
from switchroom.pbx.io.transports import Transports
from tests.pbx.io.authority import Authority
from tests.pbx.io.test_transports import Core, message

HOST, PEER = "127.0.32.1", "127.0.32.2"
LIMITS = TcpLimits(connections=30, connections_per_source=5, message_s=0.6, connect_s=0.3, unsent_bytes=100_000)
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def settings(authority: Authority, *files: str, **more: Any) -> TlsSettings:
    return TlsSettings(certificates=tuple((file, file) for file in files), authorities=str(authority.file), **more)


@asynccontextmanager
async def exchange(made: TlsSettings, limits: TcpLimits = LIMITS, rate: int = 5_000) -> AsyncIterator[Core]:
    certificates = Certificates(made)
    core = Core(Transports(limits, rate, certificates))
    core.certificates = certificates  # type: ignore[attr-defined]
    await core.transports.start([Listener("TLS", HOST, 0)] if made.certificates else [])
    try:
        yield core
    finally:
        await core.transports.close()


async def connect(core: Core, authority: Authority, name: str = HOST, certificate: str = "") -> Pair:
    context = ssl.create_default_context(cafile=str(authority.file))
    if certificate:
        context.load_cert_chain(certificate)
    return await asyncio.open_connection(
        *core.address("TLS"), ssl=context, server_hostname=name, local_addr=(PEER, 0), ssl_handshake_timeout=5
    )


def spoil(file: str) -> None:
    Path(file).write_text("rubbish")


async def test_messages_both_ways_and_a_ping(authority: Authority) -> None:
    async with exchange(settings(authority, authority.issue(HOST))) as core:
        reader, writer = await connect(core, authority)
        body = b"v" * 40_000  # more than one TLS record
        writer.write(b"\r\n\r\n" + message(1) + message(2, body))
        assert (await core.received())[0] == message(1)
        data, flow = await core.received()
        assert data == message(2, body)
        assert (flow.transport, flow.remote[0], flow.reliable) == ("TLS", PEER, True)
        assert await reader.readexactly(2) == b"\r\n"
        core.transports.send(message(3, body), flow)
        assert await reader.readexactly(len(message(3, body))) == message(3, body)
        writer.close()
        assert (await core.lost())[0] == flow


async def test_each_name_has_its_certificate(authority: Authority) -> None:
    files = [authority.issue(HOST, "pbx.example"), authority.issue("sales.example"), authority.issue("*.lab.example")]
    async with exchange(settings(authority, *files)) as core:
        for name in (HOST, "pbx.example", "sales.example", "one.lab.example"):
            _, writer = await connect(core, authority, name)  # which checks that the certificate is for the name
            writer.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(core, authority, "other.example")


async def test_a_changed_certificate_serves_the_next_connection(authority: Authority) -> None:
    file = authority.issue("old.example", file="changing.pem")
    async with exchange(settings(authority, file)) as core:
        certificates: Certificates = core.certificates  # type: ignore[attr-defined]
        _, old = await connect(core, authority, "old.example")
        assert not certificates.changed
        authority.issue("new.example", file="changing.pem")
        assert certificates.changed
        certificates.reload()
        assert not certificates.changed
        assert certificates.infos[0].names == ("new.example",)
        _, new = await connect(core, authority, "new.example")
        old.write(message(1))
        assert (await core.received())[0] == message(1)
        spoil(file)
        with pytest.raises(CertificateError, match=r"changing\.pem: is no certificate in PEM"):
            certificates.reload()
        _, third = await connect(core, authority, "new.example")
        for writer in (old, new, third):
            writer.close()


@pytest.mark.parametrize(("asked", "shown", "works"), [
    ("none", "", True), ("optional", "", True), ("optional", "good", True), ("optional", "bad", False),
    ("required", "", False), ("required", "good", True),
])  # fmt: skip
async def test_client_certificates(authority: Authority, tmp_path: Path, asked: str, shown: str, works: bool) -> None:
    stranger = Authority(tmp_path)
    certificate = {"good": authority, "bad": stranger}[shown].issue("phone.example") if shown else ""
    async with exchange(settings(authority, authority.issue(HOST), client_certificates=asked)) as core:
        reader, writer = await connect(core, authority, certificate=certificate)
        writer.write(message(1))
        if works:
            assert (await core.received())[0] == message(1)
        else:  # in TLS 1.3 the client learns of it after its own handshake
            with pytest.raises((ssl.SSLError, ConnectionError)):
                assert await reader.read(1)
            assert core.messages.empty()
        writer.close()


async def test_old_versions_are_refused(authority: Authority) -> None:
    async with exchange(settings(authority, authority.issue(HOST))) as core:
        context = ssl.create_default_context(cafile=str(authority.file))
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(*core.address("TLS"), ssl=context, server_hostname=HOST)


async def test_slow_handshakes_and_plain_text_end(authority: Authority) -> None:
    async with exchange(settings(authority, authority.issue(HOST))) as core:
        address = core.address("TLS")
        silent, silent_writer = await asyncio.open_connection(*address, local_addr=(PEER, 0))
        half, writer = await asyncio.open_connection(*address, local_addr=(PEER, 0))
        writer.write(b"\x16\x03\x01\x02\x00\x01")  # a handshake record that never comes to its end
        plain, plain_writer = await asyncio.open_connection(*address, local_addr=(PEER, 0))
        plain_writer.write(message(1))
        finished, finished_writer = await connect(core, authority)  # a whole handshake, but then no message
        reasons = set()
        for reader in (silent, half, plain, finished):
            with_end = await asyncio.wait_for(reader.read(), 5)
            assert b"SIP/2.0" not in with_end
        for _ in range(4):
            reasons.add((await core.lost())[1])
        assert len(reasons) == 2
        assert "no complete message within 0.6 s" in reasons
        assert any(reason.startswith("TLS failed:") for reason in reasons)
        assert core.transports.connections == 0
        for each in (silent_writer, writer, plain_writer, finished_writer):
            each.close()


async def test_half_open_handshakes_count_as_connections(authority: Authority) -> None:
    async with exchange(settings(authority, authority.issue(HOST))) as core:
        opened = [await asyncio.open_connection(*core.address("TLS"), local_addr=(PEER, 0)) for _ in range(20)]
        await asyncio.sleep(0.1)
        assert core.transports.connections == LIMITS.connections_per_source
        for _, writer in opened:
            writer.close()


async def test_one_source_gets_few_handshakes_in_a_second(authority: Authority) -> None:
    async with exchange(settings(authority, authority.issue(HOST)), rate=200) as core:  # 65 for each handshake
        works = 0
        for _ in range(10):
            try:
                _, writer = await connect(core, authority)
                works += 1
                writer.close()
            except (ConnectionError, ssl.SSLError):
                pass
        assert 1 <= works <= 6  # three in each window of a second, of which there may be two


async def test_a_connection_of_ours_is_checked_and_used_again(authority: Authority) -> None:
    async with (
        exchange(settings(authority, authority.issue("carrier.example"))) as carrier,
        exchange(settings(authority)) as core,
    ):
        host, port = carrier.address("TLS")
        flow = core.transports.flow("TLS", host, port, "carrier.example")
        core.transports.send(message(1), flow)
        data, back = await carrier.received()
        assert data == message(1)
        carrier.transports.send(message(2), back)
        assert (await core.received()) == (message(2), flow)
        assert core.transports.flow("TLS", host, port, "carrier.example") == flow
        wrong = core.transports.flow("TLS", host, port, "other.example")
        assert wrong != flow
        core.transports.send(message(3), wrong)
        lost, reason = await core.lost()
        assert lost == wrong
        assert "other.example" in reason
        assert carrier.messages.empty()
        assert core.transports.is_open(flow)


async def test_a_server_may_be_trusted_unseen(authority: Authority, tmp_path: Path) -> None:
    own = ensure_self_signed(tmp_path, [HOST], 1_700_000_000)
    async with exchange(TlsSettings(certificates=((str(own[0]), str(own[1])),))) as carrier:
        host, port = carrier.address("TLS")
        for made, works in (
            (settings(authority), False),
            (settings(authority, verify=False), True),
            (settings(authority, unverified=frozenset({HOST})), True),
            (TlsSettings(authorities=str(own[0])), True),
        ):
            async with exchange(made) as core:
                flow = core.transports.flow("TLS", host, port)
                core.transports.send(message(1), flow)
                if works:
                    assert (await carrier.received())[0] == message(1)
                else:
                    assert (await core.lost())[1].startswith("TLS failed: self-signed certificate")


async def test_a_server_that_does_not_answer_the_handshake(authority: Authority) -> None:
    async with exchange(settings(authority)) as core:

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, HOST, 0)
        port = server.sockets[0].getsockname()[1]
        flow = core.transports.flow("TLS", HOST, port)
        core.transports.send(message(1), flow)
        assert await core.lost() == (flow, "no complete message within 0.6 s")
        server.close()


def test_the_certificate_of_the_first_start_is_kept(tmp_path: Path) -> None:
    first = ensure_self_signed(tmp_path, ["pbx.example", "192.0.2.1", "::1"], 1_700_000_000)
    made = first[0].read_bytes()
    assert (tmp_path / "tls.key").stat().st_mode & 0o777 == 0o600
    assert ensure_self_signed(tmp_path, ["other.example"], 1_700_000_000)[0].read_bytes() == made
    certificates = Certificates(TlsSettings(certificates=((str(first[0]), str(first[1])),)))
    assert certificates.infos[0].names == ("pbx.example", "192.0.2.1", "::1")
    assert certificates.infos[0].not_after.year == 2033


def test_what_cannot_be_used_is_named(authority: Authority, tmp_path: Path) -> None:
    one, other = authority.issue("one.example"), authority.issue("two.example")
    with pytest.raises(CertificateError, match=r"one\.example\.pem, .*two\.example\.pem: cannot be used"):
        Certificates(TlsSettings(certificates=((one, other),)))
    with pytest.raises(CertificateError, match=r"missing\.pem: is no certificate in PEM: No such file"):
        Certificates(TlsSettings(certificates=(("missing.pem", "missing.pem"),)))
    with pytest.raises(CertificateError, match=r"none\.pem: cannot be used as a list of authorities"):
        Certificates(TlsSettings(authorities="none.pem"))
