# SPDX-License-Identifier: Apache-2.0
"""A changed configuration file while the exchange runs: shown, applied in one step, or refused with its mistakes."""

from pathlib import Path

import pytest

from switchroom.pbx.config import ConfigError, loads
from switchroom.pbx.config_diff import differences, merged
from switchroom.pbx.events import ConfigChanged
from switchroom.pbx.reload import NoFile, reload
from switchroom.pbx.server import Server

BASE = """
[server]
data_dir = "data"
[sip]
listen = ["udp:127.0.0.1:0"]
[rpc]
enabled = false
[media]
ports = [26000, 26099]
[limits]
calls = 10
"""
USER = '[[user]]\nname = "{}"\npassword = "{}"\n'


def config(text: str):  # type: ignore[no-untyped-def]
    loaded, mistakes = loads(text, "a.toml")
    assert mistakes == []
    return loaded


def test_a_difference_names_users_not_places_and_shows_no_secrets() -> None:
    old = config(USER.format("1001", "one") + USER.format("1002", "two"))
    new = config(USER.format("1002", "new") + "[limits]\ncalls = 5\n[sip]\nno_answer_s = 9.0\n")
    found = {change.key: change for change in differences(old, new)}
    assert found["user.1002.password"].before == found["user.1002.password"].after == "***"
    assert found["user.1001.name"].after == ""
    assert (found["limits.calls"].before, found["limits.calls"].after, found["limits.calls"].live) == (
        "2000",
        "5",
        True,
    )
    assert not found["sip.no_answer_s"].live
    assert "user.1002.name" not in found
    kept = merged(old, new)
    assert (kept.limits.calls, kept.sip.no_answer_s, len(kept.users)) == (5, 60.0, 1)


async def test_a_reload_changes_users_dial_plan_and_limits_and_a_bad_file_nothing(tmp_path: Path) -> None:
    file = tmp_path / "exchange.toml"
    file.write_text(BASE + USER.format("1001", "one"))
    server = Server(file)
    await server.start()
    try:
        assert reload(server) == []
        file.write_text(
            BASE.replace("calls = 10", "calls = 20")
            + USER.format("1002", "two")
            + 'display_name = "Bea"\n'
            + '[dial_plan]\ndefault = [{ number = "5XX", to = "user:1002" }]\n'
        )
        shown = [change.key for change in reload(server, dry_run=True)]
        assert "limits.calls" in shown
        assert server.office.routing.plan.route("500") is None
        assert [change.key for change in reload(server, by="ada")] == shown
        assert str(server.office.routing.plan.route("500").to) == "user:1002"  # type: ignore[union-attr]
        assert not server.registrar.knows("1001")
        assert server.registrar.knows("1002")
        assert server.board.limits.calls == 20
        assert server.board.names == {"1002": "Bea"}
        file.write_text("[limits]\ncalls = 0\n[sip]\nlisten = []\n")
        with pytest.raises(ConfigError) as refused:
            reload(server)
        assert {mistake.key for mistake in refused.value.mistakes} == {"limits.calls", "sip.listen"}
        assert server.board.limits.calls == 20
        await server.journal.flush()
        records = [entry.record for entry in await server.store.journal.read(0, 100)]
        (changed,) = [record for record in records if isinstance(record, ConfigChanged)]
        assert changed.by == "ada"
    finally:
        await server.close()


async def test_a_reload_changes_queues_agents_and_teams(tmp_path: Path) -> None:
    file = tmp_path / "exchange.toml"
    users = USER.format("1001", "one") + USER.format("1002", "two")
    agents = '[[agent]]\nname = "1001"\nqueues = {{ sales = 1 }}\n[queue.sales]\nmax_waiting = {}\n'
    file.write_text(BASE + users + agents.format(5))
    server = Server(file)
    await server.start()
    try:
        file.write_text(
            BASE
            + users
            + agents.format(9).replace("sales = 1", "help = 1")
            + '[queue.help]\n[[agent]]\nname = "1002"\nlogged_in = true\nqueues = { sales = 2 }\n'
            + '[[team]]\nname = "day"\nagents = ["*"]\nsupervisors = ["1002"]\n'
        )
        changes = reload(server)
        assert all(change.live for change in changes)
        assert "agent.1002.queues.sales" in {change.key for change in changes}
        desk = server.call_centre.desk
        assert desk.queue_config("sales").max_waiting == 9
        assert [agent.queues for agent in desk.scheduler.agents.values()] == [["help"], ["sales"]]
        assert [agent.status for agent in desk.scheduler.agents.values()] == ["logged-out", "available"]
        assert server.call_centre.supervisors.may("1002", "1001")
        assert set(server.call_centre.floor.board.queues) == {"sales", "help"}
    finally:
        await server.close()


async def test_an_exchange_without_a_file_says_so(tmp_path: Path) -> None:
    server = Server(config(BASE.replace('"data"', f'"{tmp_path}"')))
    with pytest.raises(NoFile):
        reload(server)
