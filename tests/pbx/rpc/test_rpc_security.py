# SPDX-License-Identifier: Apache-2.0
"""`security.*`: bans are listed for observers, made and lifted by operators, and bad networks are told."""

from tests.pbx.rpc.fake_exchange import OBSERVER, Start
from tests.pbx.rpc.test_rpc_http import call


async def test_observers_see_bans_and_change_none(start: Start) -> None:
    client = await start(OBSERVER)
    assert (await call(client, "security.bans"))["result"]["bans"][0]["source"] == "192.0.2.7/32"
    assert (await call(client, "security.unban", {"source": "192.0.2.7"}))["error"]["code"] == -32003


async def test_operators_ban_and_lift(start: Start) -> None:
    client = await start()
    made = await call(client, "security.ban", {"source": "198.51.100.4/24", "for_s": 60})
    assert (made["result"]["source"], made["result"]["reason"]) == ("198.51.100.0/24", "operator")
    assert (await call(client, "security.unban", {"source": "192.0.2.7"}))["result"] == {"lifted": True}
    assert (await call(client, "security.unban", {"source": "192.0.2.8"}))["result"] == {"lifted": False}


async def test_what_cannot_be_banned_is_told(start: Start) -> None:
    client = await start()
    wrong = await call(client, "security.ban", {"source": "pbx.example"})
    assert wrong["error"]["data"]["path"] == "$.source"
    peer = await call(client, "security.ban", {"source": "192.0.2.9"})
    assert peer["error"]["message"] == "192.0.2.9/32 holds a peer or an allowed address"
