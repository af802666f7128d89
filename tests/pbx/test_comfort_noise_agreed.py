# SPDX-License-Identifier: Apache-2.0
"""`comfort_noise` of a user, from the configuration to what the phone is answered."""

from pathlib import Path

from switchroom.pbx import config as configuration
from switchroom.pbx.server import Server
from tests.sim.small_phone import SmallPhone, sdp

HOST, PHONE = "127.0.37.1", "127.0.37.2"
CONFIG = """
[server]
data_dir = "data"
[sip]
listen = ["udp:127.0.37.1:15060"]
[media]
address = "127.0.37.1"
ports = [25300, 25339]
[rpc]
enabled = false
[[user]]
name = "1001"
password = "pw1001"
comfort_noise = true
[[user]]
name = "1002"
password = "pw1002"
[dial_plan]
default = [{ number = "9000", to = "echo" }, { number = "10XX", to = "user:{number}" }]
"""


def formats(body: bytes) -> list[str]:
    [line] = [line for line in body.decode().splitlines() if line.startswith("m=audio")]
    return line.split()[3:]


async def test_a_phone_gets_comfort_noise_where_its_user_is_to(tmp_path: Path) -> None:
    config, mistakes = configuration.loads(CONFIG, str(tmp_path / "test.toml"))
    assert config is not None, mistakes
    server = Server(config)
    await server.start()
    phones = [await SmallPhone(user, (HOST, 15_060)).open(PHONE) for user in ("1001", "1002")]
    offer = sdp(PHONE).replace(b"RTP/AVP 0", b"RTP/AVP 0 13")
    try:
        answers = []
        for phone in phones:
            assert (await phone.register()).status == 200
            answers.append(formats((await phone.call("9000", offer)).body))
        assert ["13" in answer for answer in answers] == [True, False]
    finally:
        for phone in phones:
            await phone.close()
        await server.close("test")
