# SPDX-License-Identifier: Apache-2.0
"""The connected line: a party is told whom it talks to, when it is answered, and when that changes by a transfer, a
pickup or a park: P-Asserted-Identity and Remote-Party-ID, in a 200, an UPDATE or a re-INVITE (RFC 3325, 3311, 5876).

Only those are told whom [sip] `connected_line` names; who wants to be unknown stays so.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from switchroom.pbx.control import Party
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.header import NameAddr
from switchroom.pbx.sip.message import Headers
from switchroom.pbx.sip.uri import parse_uri

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg


class ConnectedLine:
    """`names` are those of the users."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def joined(self, one: "Leg", other: "Leg") -> None:
        """Two legs hear each other from now on."""
        for leg, partner in ((one, other), (other, one)):
            if leg.terms.connected and leg.state == "answered" and (headers := self.news(leg, partner)) is not None:
                leg.inform(headers)

    def answer(self, leg: "Leg") -> Headers | None:
        """What the 200 to a caller says of who answers it."""
        if not leg.terms.connected or leg.partner is None:
            return None
        return self.news(leg, leg.partner)

    def news(self, leg: "Leg", partner: "Leg") -> Headers | None:
        """The headers that name a partner; None where the party knows already, or may not know."""
        shown = self._shown(partner)
        if not shown.number or shown.number == leg.connected_to or (partner.private and not leg.terms.trusted):
            return None
        leg.connected_to = shown.number
        address = NameAddr(shown.name, f"sip:{shown.number}@{_host(leg)}", {})
        party, privacy = "calling" if leg.called else "called", "full" if partner.private else "off"
        headers: Headers = {
            "p-asserted-identity": [str(address)],
            "remote-party-id": [f"{address};party={party};privacy={privacy};screen=yes"],
        }
        if partner.private:
            headers["privacy"] = ["id"]
        return headers

    def _shown(self, leg: "Leg") -> Party:
        number = leg.party.number
        if ":" in number:
            try:
                number = parse_uri(number).user or ""
            except ParseError:
                number = ""
        return Party(number, leg.party.name or self._names.get(leg.user, ""))


def _host(leg: "Leg") -> str:
    """Ours, as the party sees it."""
    assert leg.sip is not None
    flow = leg.sip.dialog.flow if leg.sip.dialog is not None else leg.sip.flow
    host, port = leg.board.stack.sent_by(flow)
    return f"{host}:{port}" if port != 5060 else host
