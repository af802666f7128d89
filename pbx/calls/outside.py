# SPDX-License-Identifier: Apache-2.0
"""A new leg to the outside: who calls, what he may, and what the trunks are to try."""

from typing import TYPE_CHECKING

from switchroom.pbx.calls.leg import Leg
from switchroom.pbx.calls.trunk_attempts import TrunkAttempts
from switchroom.pbx.control import CallError, Endpoint, Party, Presentation
from switchroom.pbx.events import TollRefused
from switchroom.pbx.sip.server_session import ServerSession
from switchroom.pbx.trunks.outside import Refused
from switchroom.pbx.trunks.trunks import WayOut

if TYPE_CHECKING:
    from switchroom.pbx.calls.switchboard import Switchboard


async def call_outside(
    board: "Switchboard",
    endpoint: Endpoint,
    way: WayOut,
    caller: Party,
    beside: Leg | None,
    presentation: Presentation,
    dialled: str,
    calling: Party | None,
) -> Leg:
    """Call by trunks, in the name of who sent the call on, or else of who began it. Raises CallError."""
    hops = hops_left(beside)
    media = await board.open_media(beside)
    user = presentation.diverted_by[0] if presentation.diverted_by else beside.story.user if beside else ""
    try:
        let = board.trunks.tolls.admit((f"user {user}",) if user else (), way.number)
    except Refused as error:
        media.close()
        call = beside.story.id if beside is not None else ""
        board.write(TollRefused(call=call, number=way.number, reason=str(error)))
        raise CallError(403, str(error), "refused") from error
    story = beside.story if beside is not None else board.new_story(caller, dialled or way.number)
    leg = Leg(board, story, board.leg_id(story), Party(way.number), endpoint.user)
    leg.take_media(media)
    leg.connected_to = (calling or caller).number
    own = not endpoint.codecs and any(trunk.codecs for trunk in way.trunks)
    attempts = TrunkAttempts(
        board,
        way,
        caller=calling or caller,
        private=presentation.private or (beside is not None and beside.private),
        diverted_by=presentation.diverted_by,
        codecs=() if own else board.codecs_for(endpoint, beside) or (),
        hops=hops,
        call_id=(call_id := board.ids.call_id()),
        let=let,
    )
    leg.begin_outgoing(attempts, call_id)
    return leg


def hops_left(beside: Leg | None) -> int:
    """The Max-Forwards of a leg beside another. Raises CallError: the call goes round in circles."""
    hops = 70
    if beside is not None and isinstance(beside.sip, ServerSession):
        hops = int(beside.sip.request.get("max-forwards") or 70) - 1
        if hops <= 0:
            raise CallError(483, "Too Many Hops", "failed")
    return hops
