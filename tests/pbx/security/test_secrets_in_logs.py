# SPDX-License-Identifier: Apache-2.0
"""A whole run with all told that can be told, debug lines and the SIP trace: no password, key or token is in it."""

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path

from switchroom.pbx.sip.auth import ha1
from tests.clients.server import HOST, TOKEN, ServerProcess
from tests.sim.gateway import Gateway
from tests.sim.small_phone import SmallPhone, sdp

PASSWORD, WRONG, CARRIER, GUESSED = "plum-and-pear-1001", "a-wrong-guess-of-it", "carrier-keeps-mum", "guessed-token-77"
KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
CARRIER_HOST = "127.0.36.2"
SECRETS = (PASSWORD, WRONG, CARRIER, GUESSED, KEY, TOKEN, ha1("MD5", "1001", "switchroom", PASSWORD))
TRUNK = f"""
[[trunk]]
name = "carrier"
targets = ["sip:{CARRIER_HOST}"]
username = "us"
password = "{CARRIER}"
register = {{ registrar = "sip:{CARRIER_HOST}", user = "us" }}
"""


async def live(server: ServerProcess, gateway: Gateway) -> str:
    """Guess, register, call with SRTP, and go out by the carrier, which challenges both call and registration. The key
    that the exchange made for the call."""
    liar, phone = (SmallPhone("1001", (HOST, server.sip), password=word) for word in (WRONG, PASSWORD))
    await liar.open("127.0.36.3")
    await phone.open("127.0.36.4")
    try:
        assert (await liar.register()).status == 401
        assert (await phone.register()).status == 200
        secure = sdp("127.0.36.4").replace(b"RTP/AVP", b"RTP/SAVP") + (
            f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n".encode()
        )
        answer = await phone.call("9000", secure)
        assert answer.status == 200
        assert b"inline:" in answer.body
        key = answer.body.partition(b"inline:")[2].split()[0].decode()
        phone.in_dialog("BYE", answer)
        assert (await phone.call("85550", sdp("127.0.36.4"))).status == 200
        for _ in range(200):
            if any("authorization" in request.headers for request in gateway.registers):
                return key
            await asyncio.sleep(0.05)
        raise AssertionError("the trunk did not register")
    finally:
        await liar.close()
        await phone.close()


async def test_nothing_secret_is_logged(tmp_path: Path) -> None:
    rule = '{ number = "8.", to = "trunk:carrier/{number:1}" },'
    server = ServerProcess(
        tmp_path, sip_more="trace = true", srtp={"1001": "optional"}, rules=rule, more=TRUNK, rtp=27000
    )
    text = server.file.read_text().replace('log_level = "info"', 'log_level = "debug"')
    server.file.write_text(text.replace('"pw1001"', f'"{PASSWORD}"'))
    gateway = await Gateway(CARRIER_HOST).open()
    gateway.password = CARRIER
    try:
        await asyncio.to_thread(server.start)
        key = await live(server, gateway)
        await asyncio.to_thread(server.call, "system.status")
        assert await asyncio.to_thread(ask_with_a_wrong_token, server) == 401
    finally:
        await asyncio.to_thread(server.stop)
        await gateway.close()
    log = (tmp_path / "server.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    told = " ".join(line.get("message", "") for line in lines)
    for what in ("REGISTER sip:", "Authorization: Digest", "Proxy-Authorization: Digest", "a=crypto:1"):
        assert what in told, "the trace does not show what it has to be silent about"
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    for secret in (*SECRETS, key):
        assert secret not in log, f"{secret} in the log"
        assert secret.encode() not in kept, f"{secret} among the data"


def ask_with_a_wrong_token(server: ServerProcess) -> int:
    request = urllib.request.Request(
        f"http://{HOST}:{server.rpc}/rpc",
        b"{}",
        {"Authorization": f"Bearer {GUESSED}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
