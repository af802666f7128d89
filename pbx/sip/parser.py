# SPDX-License-Identifier: Apache-2.0
"""Bytes to messages (RFC 3261 section 7, with the leniency of RFC 4475).

The header block is split once and header values stay text; `check` then looks at what every request must have. A
request that is wrong raises ParseError with what could be read of it, so that it can be answered; a wrong response has
nothing to answer and is only dropped.
"""

import re

from switchroom.pbx.sip import kernel
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.header import TOKEN, key_of, parse_name_addr, parse_number
from switchroom.pbx.sip.message import Headers, Message, Request, Response
from switchroom.pbx.sip.uri import parse_uri

MAX_HEADERS = 256
MAX_HEAD_BYTES = 32_768
MAX_LENGTH = 999_999_999

# No pattern here may try two ways through the same white space: 30 kB of it would cost seconds.
_FOLD = re.compile(r"\r\n[ \t]+")
_BARE_BREAK = re.compile(r"\r(?!\n)|(?<!\r)\n")
_VERSION = re.compile(r"SIP/\d+\.\d+", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+[ \t]*")

# Headers that stand once, with one value (section 20; RFC 4475 section 3.3.8).
_SINGLE = ("from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type", "expires")

_USUAL = frozenset(("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "PRACK", "UPDATE", "NOTIFY"))
_STATUSES = {f"SIP/2.0 {status} ": status for status in range(100, 700)}

# Every spelling that has been seen, so that nearly all names cost one look-up.
_KEYS: dict[str, str] = {}


def parse(data: bytes) -> Message:
    """Read one datagram or one framed stream message.

    Bytes after the body are ignored (RFC 4475 section 3.1.1.8). Raises ParseError.
    """
    trouble = ""
    plain = kernel.split(data, _KEYS, MAX_HEAD_BYTES, MAX_HEADERS)
    if plain is not None:
        first, headers, body, repeated = plain
    else:
        first, headers, body, trouble = _split(data)
        repeated = True
    if first[:4].upper() == "SIP/":
        message: Message = _response(first, headers)
    else:
        message = _request(first, headers)
    partial = message if isinstance(message, Request) else None
    if repeated:
        for name in _SINGLE:
            values = headers.get(name)
            if values is not None and len(values) > 1:
                raise ParseError(f"more than one {name}", partial=partial)
    if trouble:
        raise ParseError(trouble, partial=partial)
    length = headers.get("content-length")
    if length is not None:
        size = parse_number(length[0], MAX_LENGTH)
        if size is None:
            raise ParseError("bad Content-Length", partial=partial)
        if size > len(body):
            raise ParseError("Content-Length beyond the end", partial=partial)
        body = body[:size]
    message.body = body
    return message


def _split(data: bytes) -> tuple[str, Headers, bytes, str]:
    """First line, headers and body of any message, and what is wrong with it that an answer can say."""
    start = 0
    while data.startswith(b"\r\n", start):  # section 7.5: leading CRLFs are skipped
        start += 2
    end = data.find(b"\r\n\r\n", start)
    if end < 0:
        raise ParseError("no end of headers")
    if end - start > MAX_HEAD_BYTES:
        raise ParseError("header block too large", 513)
    text = data[start:end].decode("utf-8", "surrogateescape")
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    breaks = text.count("\r\n")
    trouble = ""
    if text.count("\n") != breaks or text.count("\r") != breaks:
        # A lone CR or LF ends a line for some readers and not for others: never passed on, never guessed at.
        text = _BARE_BREAK.sub(" ", text)
        trouble = "bare CR or LF in the headers"
    lines = text.split("\r\n")
    if len(lines) > MAX_HEADERS:
        raise ParseError("too many headers")

    headers: Headers = {}
    keys = _KEYS
    for i in range(1, len(lines)):
        name, colon, value = lines[i].partition(":")
        key = keys.get(name)
        if key is None:
            if not colon or not _HEADER_NAME.fullmatch(name):
                trouble = trouble or f"bad header line: {lines[i][:60]!r}"
                continue
            key = key_of(name)
            if len(keys) < 1024 and len(name) <= 64:
                keys[name] = key
        if key in headers:
            headers[key].append(value.strip())
        else:
            headers[key] = [value.strip()]
    return lines[0], headers, data[end + 4 :], trouble


def _response(line: str, headers: Headers) -> Response:
    status = _STATUSES.get(line[:12])
    if status is not None:
        return Response(status, line[12:], headers)
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise ParseError("bad status line")
    return Response(int(match[1]), match[2] or "", headers)


def _request(line: str, headers: Headers) -> Request:
    parts = line.split(" ")
    if len(parts) == 3 and parts[2] == "SIP/2.0" and parts[1] and (parts[0] in _USUAL or TOKEN.fullmatch(parts[0])):
        return Request(parts[0], parts[1], headers)
    # Not as it should be: say what is wrong, with as much of the request as an answer needs.
    method = line.split(None, 1)[0] if line.split() else ""
    version = line.rsplit(None, 1)[-1] if line.split() else ""
    if not TOKEN.fullmatch(method) or not _VERSION.fullmatch(version):
        raise ParseError("neither a request nor a response")
    partial = Request(method, "", headers)
    if version.upper() != "SIP/2.0":
        raise ParseError("Version Not Supported", 505, partial)
    if len(parts) == 3 and parts[1]:
        return Request(method, parts[1], headers)  # "sip/2.0": the version is case-insensitive (section 7.1)
    raise ParseError("bad request line", partial=partial)


def check(request: Request) -> None:
    """What every request must have before it is worth a transaction (sections 8.1.1 and 8.2).

    Raises ParseError with the request as its partial.
    """
    try:
        via, cseq = request.via, request.cseq
        _ = request.from_, request.to, request.call_id
        if cseq.method != request.method:
            raise ParseError("CSeq method differs from the request")
        if via.params.get("branch") == "z9hG4bK":
            raise ParseError("empty branch")
        hops = request.headers.get("max-forwards")
        if hops is not None and parse_number(hops[0], 255) is None:
            raise ParseError("bad Max-Forwards")
        expires = request.headers.get("expires")
        if expires is not None and parse_number(expires[0], 2**32 - 1) is None:
            raise ParseError("bad Expires")
        if request.uri.startswith("<"):
            raise ParseError("angle brackets around the Request-URI")
        uri = parse_uri(request.uri)
        if uri.headers:
            raise ParseError("headers in the Request-URI")
        if "contact" in request.headers:
            for contact in request.contacts():
                if contact.uri != "*":
                    parse_uri(contact.uri)
                elif request.method != "REGISTER":
                    raise ParseError("Contact * outside REGISTER")
        for name in ("record-route", "route"):  # a dialog will send by them
            if name in request.headers:
                for value in request.all(name):
                    parse_uri(parse_name_addr(value).uri)
    except ParseError as error:
        error.partial = request
        raise
