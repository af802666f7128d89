# SPDX-License-Identifier: Apache-2.0
"""`conference.*`, `recording.*` and `leg.*` on a real server: what an operator sees, changes, and is refused."""

import asyncio
from typing import Any

import aiohttp
import pytest

from switchroom.pbx.events import OperatorCalled
from tests.pbx.rpc import test_rpc_live
from tests.pbx.rpc.test_rpc_live import PHONES, TOKEN, Live, eventually

live = test_rpc_live.live


async def call(live: Live, number: str, to: str) -> str:
    """The leg of a phone that has been called and put through to `to`."""
    begun = await live.ask("calls.originate", **{"from": f"sip:{number}@{PHONES}:{live.port}", "to": to})

    async def leg() -> Any:
        calls = (await live.ask("calls.list", call=begun["result"]["call"]))["result"]["calls"]
        return [one["leg"] for one in calls[0]["legs"] if one["state"] == "answered"]

    return str((await eventually(leg))[0])


async def result(live: Live, method: str, **params: Any) -> Any:
    answer = await live.ask(method, **params)
    assert "error" not in answer, answer
    return answer["result"]


async def status(live: Live, method: str, **params: Any) -> int:
    """With which SIP status it was refused."""
    return int((await live.ask(method, **params))["error"]["data"]["status"])


async def recording(live: Live, **query: Any) -> Any:
    async def found() -> Any:
        return (await result(live, "recording.list", **query))["recordings"]

    return (await eventually(found))[0]


async def test_a_conference_is_seen_muted_locked_recorded_and_ended(live: Live) -> None:
    legs = [await call(live, number, "9010") for number in ("7201", "7202")]

    async def both() -> Any:
        conferences = (await result(live, "conference.list"))["conferences"]
        return conferences if conferences and len(conferences[0]["parties"]) == 2 else None

    [conference] = await eventually(both)
    assert (conference["conference"], conference["locked"], conference["recording"]) == ("team", False, "")
    assert [party["leg"] for party in conference["parties"]] == legs
    await result(live, "conference.mute", conference="team", leg=legs[0])
    await result(live, "conference.lock", conference="team")
    begun = await result(live, "conference.record", conference="team")
    conference = await result(live, "conference.get", conference="team")
    assert [party["muted"] for party in conference["parties"]] == [True, False]
    assert (conference["locked"], conference["recording"]) == (True, begun["recording"])
    await asyncio.sleep(0.7)
    await result(live, "conference.kick", conference="team", leg=legs[0])

    async def one_left() -> bool:
        return len((await result(live, "conference.get", conference="team"))["parties"]) == 1

    await eventually(one_left)
    await result(live, "conference.end", conference="team")
    kept = await recording(live, recording=begun["recording"], state="ended")
    assert (kept["label"], kept.get("error", "")) == ("conference team", "")
    assert kept["duration_ms"] > 500  # though nobody says anything

    async def none() -> bool:
        return (await result(live, "conference.list"))["conferences"] == []

    await eventually(none)


async def test_a_leg_is_recorded_paused_and_listened_to_afterwards(live: Live) -> None:
    leg = await call(live, "7201", "9000")
    begun = await result(live, "recording.start", leg=leg, label="complaint")
    assert (await recording(live, recording=begun["recording"]))["state"] == "recording"
    await asyncio.sleep(0.4)
    await result(live, "recording.pause", **begun)
    assert (await recording(live, state="paused", label="complaint"))["recording"] == begun["recording"]
    await asyncio.sleep(0.4)
    await result(live, "recording.resume", **begun)
    await asyncio.sleep(0.2)
    await result(live, "recording.stop", **begun)
    kept = await recording(live, recording=begun["recording"], state="ended")
    assert kept["duration_ms"] == pytest.approx(1_200, abs=600)
    assert 300 <= kept["paused_ms"] <= kept["duration_ms"] - 300
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
        session.get(live.url.replace("/rpc", f"/recordings/{begun['recording']}")) as response,
    ):
        audio = await response.read()
    assert (response.status, len(audio), audio[:4]) == (200, kept["size_bytes"], b"RIFF")
    url = live.url.replace("/rpc", f"/recordings/{begun['recording']}")
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer looker-token"}) as session,
        session.get(url) as looked,
    ):
        assert looked.status == 403
    fetches = [
        (entry.record.operator, entry.record.params, entry.record.outcome)
        for batch in (*live.server.journal._recent, live.server.journal._batch)
        for entry in batch
        if isinstance(entry.record, OperatorCalled) and entry.record.method == "GET /recordings"
    ]
    assert fetches == [
        ("live", begun["recording"], "done"),
        ("looker", begun["recording"], "the role observer may not listen to recordings"),
    ]


async def test_a_leg_tells_its_figures_and_its_chain(live: Live) -> None:
    leg, other = await call(live, "7201", "9002"), await call(live, "7202", "9000")

    async def sent() -> bool:
        return bool((await result(live, "leg.stats", leg=leg))["figures"]["sent_packets"] > 5)

    await eventually(sent)
    assert "PCMU" in (await result(live, "leg.describe", leg=leg))["description"]
    await result(live, "leg.tap", listener=other, leg=leg, mode="listen")
    await result(live, "leg.untap", listener=other)


async def test_a_party_is_played_to(live: Live) -> None:
    leg = await call(live, "7201", "9000")

    async def hears() -> str:
        return str((await result(live, "leg.stats", leg=leg))["figures"]["feed"])

    async def becomes(feed: str) -> None:
        async def does() -> bool:
            return await hears() == feed

        await eventually(does)

    await becomes("echo")
    assert (await result(live, "leg.play", leg=leg, sounds=["silence:300", "tone:440/60000"]))["play"] > 0
    await becomes("player")
    await result(live, "leg.change_play", leg=leg, what="pause")
    await result(live, "leg.change_play", leg=leg, what="to", seconds=58.0)
    await result(live, "leg.change_play", leg=leg, what="resume")
    await result(live, "leg.change_play", leg=leg, what="by", seconds=10.0)
    await becomes("echo")  # its end was passed
    await result(live, "leg.play", leg=leg, sounds=["tone:440"], loop=True, volume=0.5)
    await becomes("player")
    await result(live, "leg.change_play", leg=leg, what="stop")
    await becomes("echo")
    assert await status(live, "leg.play", leg=leg, sounds=["music:nothing"]) == 400
    assert await status(live, "leg.play", leg=leg, sounds=["../../../etc/passwd"]) == 404
    assert await status(live, "leg.play", leg=leg, sounds=["/etc/passwd"]) == 404


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("leg.play", {"leg": "c1/1", "sounds": ["tone:440"]}),
        ("leg.change_play", {"leg": "c1/1", "what": "stop"}),
        ("conference.get", {"conference": "nobody"}),
        ("conference.end", {"conference": "nobody"}),
        ("conference.record", {"conference": "nobody"}),
        ("conference.kick", {"conference": "nobody", "leg": "c1/1"}),
        ("recording.start", {"leg": "c1/1"}),
        ("recording.stop", {"recording": "r1"}),
        ("leg.stats", {"leg": "c1/1"}),
        ("leg.describe", {"leg": "nonsense"}),
        ("leg.tap", {"listener": "c1/1", "leg": "c1/2"}),
    ],
)
async def test_what_is_not_there_is_said(live: Live, method: str, params: dict[str, Any]) -> None:
    assert await status(live, method, **params) == 404
