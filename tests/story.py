# SPDX-License-Identifier: Apache-2.0
"""The complete story of one caller, told once for real phones (tests/clients/test_story.py) and once for the simulated
exchange (tests/pbx/test_story_simulated.py): both must leave the same records but for times and ids.

A caller dials the IVR, presses 1, waits, is told its place, and talks to agent 1001; supervisor 1004 listens and
whispers; 1001 consults agent 1002 and passes the caller on; 1002 hangs up, and the caller rates the call.
"""

from collections.abc import Iterable, Mapping
from typing import Any

CALLER, FIRST, SECOND, BOSS = "1003", "1001", "1002", "1004"

RULES = """
  { number = "8888", to = "ivr:demo" },
  { number = "8000", to = "queue:sales" },
  { number = "8001", to = "queue:support" },
  { number = "*11", to = "agent:login" },
  { number = "*21.", to = "supervise:{number:3}" },
"""
CENTRE = """
[queue.sales]
wrap_up_s = 60.0
music = "music.wav"
adverts = ["advert.wav"]
announce_every_s = 1.0
announce_wait = false
[queue.support]
wrap_up_s = 60.0
[[agent]]
name = "1001"
queues = { sales = 1 }
[[agent]]
name = "1002"
queues = { support = 1 }
[[team]]
name = "all"
agents = ["*"]
supervisors = ["1004"]
"""

MUSIC_HZ, ADVERT_HZ, MENU_HZ, RATE_HZ, WORDS_HZ = 1500, 1800, 2400, 2700, 3000
PROMPTS = {
    "demo-welcome": (WORDS_HZ, 0.3), "demo-menu": (MENU_HZ, 1.0), "please-rate": (RATE_HZ, 1.0),
    "thanks-for-rating": (WORDS_HZ, 0.3), "good-bye": (WORDS_HZ, 0.3),
}  # fmt: skip
"""The prompts of the flow `demo` as tones: frequency and seconds."""

LEFT_OUT = ("registration.", "server.", "operator.", "media.", "leg.trouble", "recording.converted")
_FIELDS = (
    "agent", "agents", "by", "caller", "destination", "dialled", "direction", "early_media", "ended_by", "flow",
    "grade", "label", "mode", "offer", "outcome", "party", "position", "queue", "reason", "result", "rule", "score",
    "state", "status", "step", "stereo", "supervisor", "user", "verb",
)  # fmt: skip
_IDS = ("call", "leg", "legs", "to_call", "to_leg", "recording")


def told(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Records as lines without times; ids are named in the order of their first appearance. One difference is allowed:
    a file is whole some time after its recording ended, so those lines come last."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}

    def name(kind: str, value: str) -> str:
        if value not in names:
            counts[kind] = counts.get(kind, 0) + 1
            names[value] = f"{kind}{counts[kind]}"
        return names[value]

    lines = []
    for record in records:
        if record["type"].startswith(LEFT_OUT):
            continue
        parts = [str(record["type"])]
        for field in _IDS:
            value = record.get(field)
            if value:
                kind = field.removeprefix("to_").removesuffix("s")
                values = [value] if isinstance(value, str) else value
                parts.append("+".join(name(kind, one) for one in values))
        for field in _FIELDS:
            value = record.get(field)
            if value:
                parts.append(f"{field}={'+'.join(value) if isinstance(value, list | tuple) else value}")
        lines.append(" ".join(parts))
    return sorted(lines, key=lambda line: line.startswith("recording.ended"))


RECORDS = """\
call.started call1 caller=1003 dialled=8888 user=1003
leg.started call1 leg1 direction=in party=1003
call.routed call1 destination=ivr:demo rule=8888
leg.answered call1 leg1
flow.started call1 flow=demo
flow.step call1 flow=demo outcome=done step=welcome verb=say
flow.step call1 flow=demo outcome=1 step=main verb=menu
queue.entered call1 caller=1003 queue=sales
queue.waits agents={'logged-out': 1} queue=sales reason=nobody
call.started call2 caller=1001 dialled=*11 user=1001
leg.started call2 leg2 direction=in party=1001
agent.state call2 agent=1001 state=busy
call.routed call2 destination=agent:login rule=*11
leg.answered call2 leg2
agent.status agent=1001 by=phone status=available
queue.waits agents={'busy': 1} queue=sales reason=busy
leg.ended call2 leg2 ended_by=exchange status=200
agent.state agent=1001 state=idle
call.ended call2 ended_by=exchange result=answered status=200
queue.offered call1 agents=1001 offer=1 queue=sales rule=longest-idle
agent.state call1 agent=1001 queue=sales state=offered
leg.started call1 leg3 direction=out party=1001
leg.ringing call1 leg3
leg.answered call1 leg3
offer.ended call1 agent=1001 offer=1 outcome=answered queue=sales
agent.state call1 agent=1001 queue=sales state=talking
queue.answered call1 agent=1001 caller=1003 offer=1 queue=sales
call.bridged call1 leg1+leg3
recording.started call1 leg1 recording1 label=caller party=1003 stereo=True
recording.started call1 leg3 recording2 label=first agent party=1001 stereo=True
call.started call3 caller=1004 dialled=*211001 user=1004
leg.started call3 leg4 direction=in party=1004
call.routed call3 destination=supervise:1001 rule=*21.
leg.answered call3 leg4
supervisor.joined call1 agent=1001 mode=listen supervisor=1004
supervisor.joined call1 agent=1001 mode=whisper supervisor=1004
leg.ended call3 leg4 ended_by=caller status=200
call.ended call3 ended_by=caller result=answered status=200
supervisor.left agent=1001 supervisor=1004
leg.held call1 leg3
call.started call4 caller=1001 dialled=1002 user=1001
leg.started call4 leg5 direction=in party=1001
call.routed call4 destination=user:1002 rule=10XX
leg.started call4 leg6 direction=out party=1002
agent.state call4 agent=1002 state=busy
leg.ringing call4 leg6
leg.ringing call4 leg5
leg.answered call4 leg6
call.bridged call4 leg5+leg6
leg.answered call4 leg5
call.unbridged call4 leg6+leg5
call.transferred call1 leg3 call4 leg5 status=200
leg.ended call4 leg5 ended_by=exchange status=200
queue.completed call1 agent=1001 queue=sales reason=transferred
agent.state call1 agent=1001 queue=sales state=wrap-up
agent.state call1 agent=1002 queue=sales state=talking
queue.passed call1 agent=1002 by=1001 queue=sales
call.unbridged call1 leg3+leg1
leg.ended call1 leg3 ended_by=exchange status=200
call.bridged call1 leg1+leg6
agent.wrapped-up call1 agent=1001 queue=sales
agent.state agent=1001 state=idle
call.unbridged call4 leg6+leg1
leg.ended call4 leg6 ended_by=callee status=200
call.ended call4 ended_by=exchange result=answered status=200
queue.completed call1 agent=1002 queue=sales reason=agent
agent.state call1 agent=1002 queue=sales state=wrap-up
flow.step call1 flow=demo outcome=served step=sales verb=queue
flow.started call1 flow=csat
flow.step call1 flow=csat outcome=1 step=rate verb=menu
call.rated call1 agent=1002 grade=satisfied queue=sales score=100.0
flow.ended call1 flow=csat outcome=done step=rate
flow.step call1 flow=demo outcome=good-bye step=rating verb=flow
leg.ended call1 leg1 ended_by=exchange status=200
call.ended call1 ended_by=exchange result=answered status=200
flow.step call1 flow=demo outcome=done step=good-bye verb=hangup
flow.ended call1 flow=demo outcome=done step=good-bye
agent.wrapped-up call1 agent=1002 queue=sales
agent.state agent=1002 state=idle
recording.ended call1 leg3 recording2
recording.ended call1 leg1 recording1
"""
