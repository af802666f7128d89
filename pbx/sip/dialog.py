# SPDX-License-Identifier: Apache-2.0
"""Dialog state: identifiers, sequence numbers, route set and remote target (RFC 3261 section 12)."""

from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import NameAddr, parse_name_addr
from switchroom.pbx.sip.message import Headers, Message, Request, Response
from switchroom.pbx.sip.uri import parse_uri


class Dialog:
    """One dialog, early or confirmed, as one of its two ends sees it.

    `local` and `remote` are the From and To values that go out, with tags. `flow` is where the peer's messages come
    from; `pinned` says that requests go back there whatever the peer's Contact says, as behind a NAT or on a
    connection.
    """

    __slots__ = (
        "call_id", "flow", "local", "local_tag", "number", "pinned", "remote", "remote_number", "remote_tag", "routes",
        "target",
    )  # fmt: skip

    def __init__(
        self, call_id: str, local: str, local_tag: str, remote: str, remote_tag: str, flow: Flow, target: str
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.local_tag = local_tag
        self.remote = remote
        self.remote_tag = remote_tag
        self.flow = flow
        self.target = target
        self.routes: list[str] = []
        self.number = 0
        """CSeq number of our last request."""
        self.remote_number: int | None = None
        """CSeq number of the peer's last request; None before the first."""
        self.pinned = False

    @classmethod
    def as_uas(cls, request: Request, local_tag: str, flow: Flow) -> "Dialog":
        """The dialog that our answer to this request makes (section 12.1.1)."""
        to = f"{request.headers['to'][0]};tag={local_tag}"
        contact = request.contacts()
        target = contact[0].uri if contact else request.from_.uri
        remote_tag = request.from_.tag or ""
        dialog = cls(request.call_id, to, local_tag, request.headers["from"][0], remote_tag, flow, target)
        dialog.routes = request.all("record-route")
        dialog.remote_number = request.cseq.number
        dialog.pinned = flow.reliable or _behind_nat(request, flow)
        return dialog

    @classmethod
    def as_uac(cls, request: Request, response: Response, flow: Flow) -> "Dialog":
        """The dialog that this response to our request makes (section 12.1.2). Raises ParseError."""
        contacts = response.contacts()
        target = contacts[0].uri if contacts else request.uri
        dialog = cls(
            request.call_id, request.headers["from"][0], request.from_.tag or "", response.headers["to"][0],
            response.to.tag or "", flow, target,
        )  # fmt: skip
        dialog.routes = response.all("record-route")[::-1]
        for uri in (target, *[parse_name_addr(route).uri for route in dialog.routes]):
            parse_uri(uri)
        dialog.number = request.cseq.number
        # A Contact that names another host than the one that answers there is a phone behind a NAT, or a proxy's way
        # of saying where to go next; only the first has no Record-Route to go by, and a private address.
        dialog.pinned = flow.reliable or (not dialog.routes and _is_private_elsewhere(target, flow))
        return dialog

    def next_hop(self) -> str:
        """The URI to which the next request is to be sent (section 12.2.1.1 with 8.1.2)."""
        return parse_name_addr(self.routes[0]).uri if self.routes else self.target

    def request(self, method: str, contact: str, number: int | None = None) -> Request:
        """A request within the dialog; its Via is filled in when it is sent.

        `number` is given for the ACK of a 2xx, which repeats the number of its INVITE.
        """
        if number is None:
            self.number += 1
            number = self.number
        uri, routes = self.target, self.routes
        if routes:
            first = parse_name_addr(routes[0])
            if "lr" not in parse_uri(first.uri).params:  # a strict router (RFC 2543) wants to be the Request-URI
                uri, routes = first.uri, [*routes[1:], f"<{self.target}>"]
        headers: Headers = {"via": [], "max-forwards": ["70"]}
        if routes:
            headers["route"] = list(routes)
        headers["from"] = [self.local]
        headers["to"] = [self.remote]
        headers["call-id"] = [self.call_id]
        headers["cseq"] = [f"{number} {method}"]
        if method in ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"):  # those that may refresh the target
            headers["contact"] = [contact]
        return Request(method, uri, headers)

    def in_order(self, request: Request) -> bool:
        """Note the peer's CSeq number; False for a number lower than one already seen (section 12.2.2)."""
        number = request.cseq.number
        if self.remote_number is not None and number < self.remote_number:
            return False
        self.remote_number = number
        return True

    def refresh_target(self, message: Message) -> None:
        """Take the peer's new Contact (sections 12.2.1.2 and 12.2.2); a bad one changes nothing."""
        try:
            contacts = message.contacts()
            if contacts:
                parse_uri(contacts[0].uri)
                self.target = contacts[0].uri
        except ParseError:
            return


def _behind_nat(request: Request, flow: Flow) -> bool:
    """Whether the peer does not know its own address: what it says in Via is not where the datagram came from."""
    via = request.via
    return (
        via.host.strip("[]") != flow.remote[0]
        and not request.headers.get("record-route")
        and len(request.all("via")) == 1
    )


def _is_private_elsewhere(target: str, flow: Flow) -> bool:
    host = parse_uri(target).host
    private = host.startswith(("10.", "192.168.", "169.254.")) or (
        host.startswith("172.") and host.split(".")[1].isdecimal() and 16 <= int(host.split(".")[1]) <= 31
    )
    return private and host != flow.remote[0]


def tagged(address: NameAddr, tag: str) -> str:
    """A From value of ours: the address with our tag."""
    return str(NameAddr(address.display, address.uri, {**address.params, "tag": tag}))
