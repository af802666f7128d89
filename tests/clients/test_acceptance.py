# SPDX-License-Identifier: Apache-2.0
"""`examples/acceptance.toml` as it stands, number by number, with SIPp from the addresses of its trunks."""

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tests.clients.conftest import need
from tests.clients.script import PLAIN, SECURE, Script, answered
from tests.clients.server import HOST, START_S
from tests.ports import free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "acceptance.toml"
TRUNK = "127.0.0.66"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The server, from the example with a folder of its own."""
    folder = tmp_path_factory.mktemp("acceptance")
    file = folder / "acceptance.toml"
    file.write_text(EXAMPLE.read_text().replace("../build/acceptance", str(folder / "data")))
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "switchroom", "serve", "-c", str(file)], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + START_S
        while not listens(8080):
            fine = process.poll() is None and time.monotonic() < deadline
            assert fine, (folder / "server.log").read_text()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(15)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def begin(
    folder: Path, number: str, script: Script, source: str = TRUNK, transport: str = "u1"
) -> subprocess.Popen[bytes]:
    need("sipp")
    folder.mkdir(exist_ok=True)
    (folder / "script.xml").write_text(str(script))
    with open(folder / "sipp.log", "ab") as log:
        return subprocess.Popen(
            [
                "sipp", "-sf", "script.xml", "-s", number, "-i", source, "-p", str(free_port(host=source)), "-t",
                transport, "-m", "1", "-nostdin", "-timeout", "30s", "-timeout_error", "-trace_err", "-error_file",
                "errors.log", f"{HOST}:5060",
            ],
            cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip


def end(process: subprocess.Popen[bytes], folder: Path) -> None:
    errors = folder / "errors.log"
    assert process.wait(40) == 0, errors.read_text()[-3000:] if errors.exists() else (folder / "sipp.log").read_text()


def run(folder: Path, number: str, script: Script, source: str = TRUNK, transport: str = "u1") -> None:
    end(begin(folder, number, script, source, transport), folder)


@pytest.mark.parametrize("number", ["600", "echo", "602", "empty", "1234", "800"])
def test_numbers_that_answer_and_stay(running: None, tmp_path: Path, number: str) -> None:
    run(tmp_path, number, answered().rest(300).send("BYE").get(200))


@pytest.mark.parametrize("number", ["601", "test", "playback"])
def test_numbers_that_play_and_hang_up(running: None, tmp_path: Path, number: str) -> None:
    begun = time.monotonic()
    run(tmp_path, number, answered(PLAIN).get("BYE").reply())
    assert 3.0 <= time.monotonic() - begun < 6.0


@pytest.mark.parametrize("number", ["603", "alice"])
def test_progress_is_reliable_where_it_can_be(running: None, tmp_path: Path, number: str) -> None:
    script = Script().send("INVITE", "Supported: 100rel\n", PLAIN, within=False).get(100, optional=True)
    script.get(183, "Require:[^\r\n]*100rel", number_of="RSeq").send("PRACK", "RAck: [$RSeq] 1 INVITE\n").get(200)
    begun = time.monotonic()
    run(tmp_path, number, script.get(200).send("ACK").get("BYE").reply())
    assert 6.0 <= time.monotonic() - begun < 9.0


@pytest.mark.parametrize("number", ["5555", "carol"])
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_numbers_that_do_not_exist(running: None, tmp_path: Path, number: str, transport: str) -> None:
    script = Script().send("INVITE", "", PLAIN, within=False).get(100, optional=True).get(404).send("ACK")
    run(tmp_path, number, script, transport=transport)


@pytest.mark.parametrize("number", ["5555", "carol"])
def test_who_asks_after_them_is_told_so_too(running: None, tmp_path: Path, number: str) -> None:
    run(tmp_path, number, Script().send("OPTIONS", within=False).get(404))
    run(tmp_path, "602", Script().send("OPTIONS", within=False).get(200))


def test_a_number_that_does_not_exist_is_refused_without_a_word_before(running: None, tmp_path: Path) -> None:
    run(tmp_path, "carol", Script().send("INVITE", "", PLAIN, within=False).get(404).send("ACK"))


def test_a_change_of_the_session_is_answered_at_once(running: None, tmp_path: Path) -> None:
    run(tmp_path, "602", answered().rest(200).send("INVITE", "", PLAIN).get(200).send("ACK").send("BYE").get(200))


@pytest.mark.parametrize("source", ["127.0.0.66", "127.0.0.77", "127.0.0.78"])
def test_trunks_may_encrypt_and_have_a_shortest_session(running: None, tmp_path: Path, source: str) -> None:
    secure = answered(SECURE, "", "m=audio [0-9]+ RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80", "a=rtcp-mux")
    run(tmp_path / "secure", "602", secure.send("BYE").get(200), source)
    brief = Script().send("INVITE", "Supported: timer\nSession-Expires: 90\n", PLAIN, within=False)
    brief.get(100, optional=True).get(422, "Min-SE: 121").send("ACK")
    run(tmp_path / "brief", "602", brief, source)


def test_keys_of_700(running: None, tmp_path: Path) -> None:
    info = "application/dtmf-relay"
    script = answered().rest(200).send("INFO", "", "Signal=5\nDuration=160\n", info).get(200)
    run(tmp_path, "700", script.send("INFO", "", "Signal=9\nDuration=160\n", info).get(200).get("BYE").reply())


def test_keys_of_700_as_events(running: None, tmp_path: Path) -> None:
    events = PLAIN.replace("RTP/AVP 0", "RTP/AVP 0 96") + "a=rtpmap:96 telephone-event/8000\na=fmtp:96 0-15\n"
    script = answered(events, "", "telephone-event/8000").rest(500).press("9").get("BYE").reply()
    run(tmp_path, "700", script)


def test_keys_of_700_as_tones(running: None, tmp_path: Path) -> None:
    t = np.arange(8000) / 8000
    nine = 0.3 * (np.sin(2 * np.pi * 852 * t) + np.sin(2 * np.pi * 1477 * t)) * (t % 0.5 < 0.1)
    sf.write(tmp_path / "nine.ul", nine, 8000, format="RAW", subtype="ULAW")
    run(tmp_path, "700", answered().rest(300).stream("nine.ul").get("BYE").reply())


def test_a_message_for_1002_is_told(running: None, tmp_path: Path) -> None:
    watch = Script().send("SUBSCRIBE", "Event: message-summary\nExpires: 60\n", within=False).get(200)
    watch.get("NOTIFY", "Messages-Waiting: no").reply().get("NOTIFY", "Messages-Waiting: yes", "Voice-Message: 1/0")
    watching = begin(tmp_path / "watch", "1002", watch.reply())
    (tmp_path / "speak").mkdir()
    (tmp_path / "speak" / "noise.ul").write_bytes(bytes([0x20, 0xA0, 0x30, 0xB0]) * 2000)
    run(tmp_path / "speak", "500", answered().stream("noise.ul").rest(9000).send("BYE").get(200))
    end(watching, tmp_path / "watch")


def test_tls_with_the_certificate_made_at_the_first_start(running: None) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((HOST, 5061), 5) as plain, context.wrap_socket(plain) as secure:
        secure.settimeout(5)
        at = f"{HOST}:{secure.getsockname()[1]}"
        secure.sendall(
            f"OPTIONS sip:{HOST}:5061 SIP/2.0\r\nVia: SIP/2.0/TLS {at};branch=z9hG4bKtls\r\nMax-Forwards: 70\r\n"
            f"From: <sip:a@{HOST}>;tag=1\r\nTo: <sip:{HOST}>\r\nCall-ID: tls\r\nCSeq: 1 OPTIONS\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )
        assert secure.recv(4096).startswith(b"SIP/2.0 200")
