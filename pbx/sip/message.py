# SPDX-License-Identifier: Apache-2.0
"""SIP requests and responses (RFC 3261 section 7).

A message keeps its header values as the text that came in; a header gets a structure when somebody asks for it, once.
Writing is strict: no value can smuggle a line of its own.
"""

from typing import Self

from switchroom.pbx.sip import kernel
from switchroom.pbx.sip.errors import ParseError, SipError
from switchroom.pbx.sip.header import (
    PRETTY,
    CSeq,
    NameAddr,
    Via,
    parse_cseq,
    parse_name_addr,
    parse_via,
    pretty,
    split_list,
)

REASONS = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
    200: "OK", 202: "Accepted",
    300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
    410: "Gone", 412: "Conditional Request Failed", 413: "Request Entity Too Large", 414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required", 422: "Session Interval Too Small",
    423: "Interval Too Brief", 429: "Provide Referrer Identity", 433: "Anonymity Disallowed",
    439: "First Hop Lacks Outbound Support",
    480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
    484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending", 493: "Undecipherable",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large",
    580: "Precondition Failure",
    600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable", 607: "Unwanted",
}  # fmt: skip

Headers = dict[str, list[str]]


class Message:
    """What requests and responses share.

    `headers` maps lower-case full names to the raw values, unfolded and stripped, in order of arrival; comma-joined
    values are not split. Text is UTF-8; other bytes survive as surrogate escapes.
    """

    __slots__ = ("_cseq", "_from", "_to", "_via", "body", "headers")

    def __init__(self, headers: Headers, body: bytes = b"") -> None:
        self.headers = headers
        self.body = body
        self._via: Via | None = None
        self._cseq: CSeq | None = None
        self._from: NameAddr | None = None
        self._to: NameAddr | None = None

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first raw value of a header."""
        values = self.headers.get(name)
        return values[0] if values else default

    def all(self, name: str) -> list[str]:
        """All values of a header, split at commas."""
        values = self.headers.get(name)
        if not values:
            return []
        if len(values) == 1 and "," not in values[0]:
            return values if values[0] else []
        return [item for value in values for item in split_list(value)]

    def tokens(self, name: str) -> set[str]:
        """The values of a list of tokens, such as Require or Allow, lower case."""
        return {value.lower() for value in self.all(name)}

    @property
    def via(self) -> Via:
        """The top Via. Raises ParseError where there is none or it cannot be read."""
        if self._via is None:
            values = self.all("via")
            if not values:
                raise ParseError("no Via")
            self._via = parse_via(values[0])
        return self._via

    @property
    def cseq(self) -> CSeq:
        if self._cseq is None:
            self._cseq = parse_cseq(self._need("cseq"))
        return self._cseq

    @property
    def from_(self) -> NameAddr:
        if self._from is None:
            self._from = parse_name_addr(self._need("from"))
        return self._from

    @property
    def to(self) -> NameAddr:
        if self._to is None:
            self._to = parse_name_addr(self._need("to"))
        return self._to

    @property
    def call_id(self) -> str:
        return self._need("call-id")

    def contacts(self) -> list[NameAddr]:
        """All Contact values; `*` (section 10.2.2) is a NameAddr whose URI is `*`."""
        return [NameAddr("", "*", {}) if v == "*" else parse_name_addr(v) for v in self.all("contact")]

    @property
    def content_type(self) -> str:
        """The media type, lower case, without parameters; empty without a body type."""
        return (self.get("content-type") or "").partition(";")[0].strip().lower()

    def _need(self, name: str) -> str:
        values = self.headers.get(name)
        if not values or not values[0]:
            raise ParseError(f"no {pretty(name)}")
        return values[0]

    def start_line(self) -> str:
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """The message as it goes on the wire, with a right Content-Length.

        Raises SipError (500) where a value holds a line break.
        """
        plain = kernel.join(self.start_line(), self.headers, PRETTY, self.body)
        if plain is not None:
            return plain
        text, breaks = self.start_line(), 3
        for key, values in self.headers.items():
            if key != "content-length":
                name = pretty(key)
                for value in values:
                    text += f"\r\n{name}: {value}"
                    breaks += 1
        text += f"\r\nContent-Length: {len(self.body)}\r\n\r\n"
        if text.count("\n") != breaks or text.count("\r") != breaks:
            raise SipError(500, "line break within a header value")
        return text.encode("utf-8", "surrogateescape") + self.body


class Request(Message):
    """A request. `uri` is the Request-URI as written."""

    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri = uri

    def start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"

    def response(self, status: int, reason: str | None = None, to_tag: str | None = None) -> "Response":
        """A response to this request: Via, From, To, Call-ID and CSeq copied (section 8.2.6), and Record-Route into one
        that may make a dialog (section 12.1.1), so that the caller too goes by the proxies that want to stay.

        `to_tag` is added where the request's To has none, except to a 100.
        """
        mine = self.headers
        headers: Headers = {"via": mine.get("via", [])}
        for name in ("from", "to", "call-id", "cseq"):
            values = mine.get(name)
            if values:
                headers[name] = values[:1]
        if to_tag is not None and status > 100 and "to" in headers:
            try:
                tagged = self.to.tag is not None
            except ParseError:
                tagged = ";tag=" in headers["to"][0]
            if not tagged:
                headers["to"] = [f"{self._bracketed_to()};tag={to_tag}"]
        if 100 < status < 300 and "record-route" in mine:
            headers["record-route"] = mine["record-route"]
        if status == 100 and "timestamp" in mine:
            headers["timestamp"] = mine["timestamp"][:1]  # section 8.2.6.1
        return Response(status, reason or REASONS.get(status, "Unknown"), headers)

    def _bracketed_to(self) -> str:
        """The To value in a form to which a header parameter can be added."""
        return self.headers["to"][0].rstrip("; \t")

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri} {self.get('call-id')}>"


class Response(Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason

    def start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"

    def with_body(self, body: bytes, content_type: str = "application/sdp") -> Self:
        """The same response with a body."""
        self.body = body
        self.headers["content-type"] = [content_type]
        return self

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.get('cseq')} {self.get('call-id')}>"
