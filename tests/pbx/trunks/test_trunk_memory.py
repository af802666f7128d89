# SPDX-License-Identifier: Apache-2.0
"""Limits that an operator has set, and minutes used outside, over a restart of the whole server."""

from pathlib import Path

from tests.pbx.test_server_transports import CONFIG, running

TRUNK = """
[[trunk]]
name = "carrier"
targets = ["sip:127.0.33.9"]
options_s = 0.0
channels = {channels}
channels_in = 5
outside = {{ minutes_per_day = 10 }}
"""
TEN = CONFIG + TRUNK.format(channels=10)


async def test_what_was_set_and_used_is_still_so_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, TEN) as server:
        server.trunks.change("carrier", "ada", both=4, enabled=False)
        let = server.trunks.tolls.admit(("trunk carrier",), "0131")
        server.trunks.tolls.over(let, 540.0)
    async with running(tmp_path, TEN) as server:
        trunk = server.trunks.by_name["carrier"]
        assert (trunk.channels.both, trunk.channels.limits["in"], trunk.enabled) == (4, 5, False)
        assert server.trunks.tolls.admit(("trunk carrier",), "0131").limit_s == 60.0
        server.trunks.change("carrier", "ada", both=10, enabled=True)
    async with running(tmp_path, TEN) as server:
        trunk = server.trunks.by_name["carrier"]
        assert (trunk.channels.both, trunk.enabled) == (10, True)


async def test_another_configuration_ends_what_was_set(tmp_path: Path) -> None:
    async with running(tmp_path, TEN) as server:
        server.trunks.change("carrier", "ada", both=4)
    async with running(tmp_path, CONFIG + TRUNK.format(channels=20)) as server:
        assert server.trunks.by_name["carrier"].channels.both == 20


async def test_minutes_of_another_day_do_not_count(tmp_path: Path) -> None:
    async with running(tmp_path, TEN) as server:
        tolls = server.trunks.tolls
        tolls.restore("trunk carrier", 1, 540.0)
        assert tolls.admit(("trunk carrier",), "0131").limit_s == 600.0
