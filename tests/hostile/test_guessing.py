# SPDX-License-Identifier: Apache-2.0
"""A scanner for numbers and a guesser of passwords against twenty registered phones, on the real server process."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switchroom.pbx.sip.auth import DigestClient
from switchroom.pbx.sip.message import Headers, Request, Response
from tests.sim.small_phone import SmallPhone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

HOST, SIP, RPC = "127.0.34.1", 15_060, 15_061
CONFIG = f"""
[server]
data_dir = "data"
log_level = "info"
drain_s = 0.1
[sip]
listen = ["udp:{HOST}:{SIP}", "tcp:{HOST}:{SIP}"]
[media]
address = "{HOST}"
ports = [24000, 24199]
[rpc]
listen = "{HOST}:{RPC}"
tokens = [{{ name = "tests", token = "guess-token" }}]
[security]
SECURITY
[dial_plan]
default = [{{ number = "9000", to = "echo" }}, {{ number = "10XX", to = "user:{{number}}" }}]
"""
USERS = range(1001, 1021)


class Server:
    def __init__(self, folder: Path, security: str = "") -> None:
        file = folder / "guess.toml"
        users = "".join(f'[[user]]\nname = "{user}"\npassword = "pw{user}"\n' for user in USERS)
        file.write_text(CONFIG.replace("SECURITY", security) + users)
        self.log = folder / "server.log"
        with self.log.open("w") as out:
            command = [sys.executable, "-m", "switchroom", "serve", "-c", str(file)]
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rpc(self, method: str, **params: Any) -> Any:
        request = urllib.request.Request(
            f"http://{HOST}:{RPC}/rpc",
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode(),
            {"Authorization": "Bearer guess-token", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)["result"]

    def wait(self) -> "Server":
        end = time.monotonic() + 20
        while True:
            try:
                self.rpc("system.status")
                return self
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < end
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(10) == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path).wait()
    yield server
    server.stop()
    text = server.log.read_text()
    assert "Traceback" not in text
    assert not any(f"pw{user}" in text for user in USERS), "a password stands in the log"


class Attacker(SmallPhone):
    """Sends without waiting, and counts what comes back."""

    def register_request(self, name: str, number: int = 1, **more: list[str]) -> Request:
        headers = {
            "via": [f"{self._via()}"], "max-forwards": ["70"], "call-id": [f"{name}-{number}@{self.sent_by}"],
            "cseq": [f"{number} REGISTER"], "from": [f"<sip:{name}@{HOST}>;tag=1"], "to": [f"<sip:{name}@{HOST}>"],
            "contact": [self.contact], **more,
        }  # fmt: skip
        if self.agent:
            headers["user-agent"] = [self.agent]
        return Request("REGISTER", f"sip:{HOST}:{SIP}", headers)

    async def answer(self, wait_s: float) -> Response | None:
        try:
            return await asyncio.wait_for(self.responses.get(), wait_s)
        except TimeoutError:
            return None


def credentials(user: str, password: str, challenge: Response) -> Headers:
    found = DigestClient(user, password, lambda: "c").respond(challenge, "REGISTER", f"sip:{HOST}:{SIP}")
    assert found is not None
    return found


async def attacker(source: str, agent: str = "") -> Attacker:
    made = Attacker("evil", (HOST, SIP))
    made.agent = agent
    await made.open(source)
    return made


async def phones() -> list[SmallPhone]:
    """Twenty, each with an address of its own, registered."""
    made = []
    for user in USERS:
        phone = await SmallPhone(str(user), (HOST, SIP)).open(f"127.0.34.{100 + user - 1000}")
        assert (await phone.register()).status == 200
        made.append(phone)
    return made


async def serve_during(all_phones: list[SmallPhone], attack: "asyncio.Task[float]") -> list[float]:
    """Phones register again while the attack goes on; how long each waited."""
    waits = []
    while not attack.done():
        for phone in all_phones:
            began = time.monotonic()
            assert (await phone.register()).status == 200
            waits.append(time.monotonic() - began)
        await asyncio.sleep(0.05)
    return waits


async def scan(source: str, agent: str = "") -> float:
    """As svwar does it: one REGISTER for each number, quickly; the seconds until nothing comes back any more."""
    evil = await attacker(source, agent)
    began = last = time.monotonic()
    for number in range(100, 1100):
        evil.send(evil.register_request(str(number)))
        if await evil.answer(0.02) is not None:
            last = time.monotonic()
        elif time.monotonic() - last > 2:
            break
    await evil.close()
    return last - began


async def guess(source: str, user: str, tries: int = 1000) -> float:
    """As svcrack does it: one nonce after the other, a password each; the seconds until it is not heard any more."""
    evil = await attacker(source)
    began = last = time.monotonic()
    evil.send(evil.register_request(user))
    challenge = await evil.answer(1.0)
    for number in range(2, tries + 2):
        if challenge is not None:
            last = time.monotonic()
            fields = DigestClient(user, f"guess{number}", lambda: "c").respond(
                challenge, "REGISTER", f"sip:{HOST}:{SIP}"
            )
            assert fields is not None
            answer = fields
        evil.send(evil.register_request(user, number, **answer))
        challenge = await evil.answer(0.02)
        if challenge is None and time.monotonic() - last > 2:
            break
    await evil.close()
    return last - began


async def test_a_scanner_and_a_guesser_are_banned_in_seconds_and_no_phone_notices(server: Server) -> None:
    all_phones = await phones()
    attacks = asyncio.gather(scan("127.0.34.66"), guess("127.0.34.67", "1001"), guess("127.0.34.68", "nobody"))
    waits = await serve_during(all_phones, attacks)  # type: ignore[arg-type]
    until_s = attacks.result()
    bans = {ban["source"]: ban["reason"] for ban in server.rpc("security.bans")["bans"]}
    assert bans == {
        "127.0.34.66/32": "unanswered challenge",
        "127.0.34.67/32": "wrong password",
        "127.0.34.68/32": "wrong password",
    }
    print(f"heard for {until_s} s; phones waited {statistics.median(waits):.4f} s, at most {max(waits):.4f} s")
    assert max(until_s) < 10, until_s
    assert len(waits) >= 40
    assert statistics.median(waits) < 0.1
    assert max(waits) < 2
    assert server.rpc("security.unban", source="127.0.34.67") == {"lifted": True}
    evil = await attacker("127.0.34.67")
    evil.send(evil.register_request("1001"))
    assert await evil.answer(2) is not None
    for phone in [evil, *all_phones]:
        await phone.close()


async def test_a_scanner_that_gives_its_name_hears_nothing_at_all(server: Server) -> None:
    evil = await attacker("127.0.34.70", "friendly-scanner")
    for number in range(10):
        evil.send(evil.register_request(str(number)))
    assert await evil.answer(0.5) is None
    assert [ban["reason"] for ban in server.rpc("security.bans")["bans"]] == ["scanner"]
    await evil.close()


async def test_a_user_that_is_not_there_looks_like_one_that_is(server: Server) -> None:
    """The same answers, the same time, before and after a wrong password."""
    times: dict[str, list[float]] = {"1001": [], "nobody": []}
    shapes: dict[str, list[list[str]]] = {"1001": [], "nobody": []}
    for turn in range(2):
        for user in times:
            evil = await attacker(f"127.0.34.{80 + 2 * turn + (user == 'nobody')}")
            began = time.monotonic()
            evil.send(evil.register_request(user))
            first = await evil.answer(2)
            assert first is not None
            for number in range(2, 9):
                answer = credentials(user, "wrong", first)
                evil.send(evil.register_request(user, number, **answer))
                first = await evil.answer(3)
                assert first is not None
                shapes[user].append([str(first.status), *sorted(first.headers)])
            times[user].append(time.monotonic() - began)
            await evil.close()
    assert shapes["1001"] == shapes["nobody"]
    assert min(times["1001"]) == pytest.approx(min(times["nobody"]), rel=0.25)


async def test_a_thousand_wrong_passwords_cost_next_to_nothing(tmp_path: Path) -> None:
    """With the guard and, to know what it saves, without: seconds of CPU for all thousand."""
    costs = {}
    for name, security in (("guarded", ""), ("open", "enabled = false")):
        folder = tmp_path / name
        folder.mkdir()
        server = Server(folder, security).wait()
        idle_s, began = server.cpu_s(), time.monotonic()
        await asyncio.sleep(2)
        idle_rate = (server.cpu_s() - idle_s) / (time.monotonic() - began)
        before_s, began = server.cpu_s(), time.monotonic()
        evil = await attacker("127.0.34.90")
        evil.send(evil.register_request("1001"))
        challenge = await evil.answer(2)
        assert challenge is not None
        answer = credentials("1001", "wrong", challenge)
        for number in range(2, 1002):
            evil.send(evil.register_request("1001", number, **answer))
            await asyncio.sleep(0.01)  # a hundred guesses a second
        took_s = time.monotonic() - began
        costs[name] = (server.cpu_s() - before_s - idle_rate * took_s) / took_s
        await evil.close()
        server.stop()
    print(f"share of a core at 100 guesses a second: {costs}")
    assert costs["guarded"] < 0.01, costs
    assert costs["guarded"] < costs["open"]
