# SPDX-License-Identifier: Apache-2.0
"""Bans of a whole server over its restart."""

from ipaddress import ip_network
from pathlib import Path

from tests.pbx.test_server_transports import running

BAD = ip_network("127.0.33.66/32")


async def test_who_is_banned_stays_so_over_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        server.watch.guard.ban(BAD, "wrong password")
        until_s = server.watch.guard.bans[BAD].until_s
    async with running(tmp_path) as server:
        assert server.watch.guard.bans[BAD].until_s == until_s
        assert server.watch.guard.unban(BAD)
    async with running(tmp_path) as server:
        assert server.watch.guard.bans == {}
