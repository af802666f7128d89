# SPDX-License-Identifier: Apache-2.0
"""Who watches a user's lamp (RFC 4235): the dialogs of its phone as the exchange tells them, with their identifiers."""

import os
import re
import socket
import time
from typing import NamedTuple
from urllib.parse import quote

from tests.clients.server import HOST, ServerProcess
from tests.clients.sipp import OUTSIDE

_DIALOG = re.compile(r"<dialog ([^>]*)>(.*?)</dialog>", re.DOTALL)
_STATE = re.compile(r"<state[^>]*>(\w+)</state>")


class Dialog(NamedTuple):
    """One of them, as the phone sees it."""

    state: str
    direction: str
    call_id: str
    local_tag: str
    remote_tag: str

    def replaces(self, more: str = "") -> str:
        """A Replaces header's value that names it to the exchange (RFC 3891)."""
        return f"{self.call_id};to-tag={self.remote_tag};from-tag={self.local_tag}{more}"

    def escaped(self) -> str:
        """The same within the URI of a Refer-To."""
        return quote(self.replaces(), safe="")


class Watcher:
    """A subscription to a user's dialogs. `bodies` are all that was told and not yet asked for."""

    def __init__(self, server: ServerProcess, user: str, package: str = "dialog") -> None:
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((OUTSIDE, 0))
        self._tag, self._call_id = os.urandom(4).hex(), os.urandom(6).hex()
        self.bodies: list[str] = []
        self._subscribe(user, package)

    def wait(self, state: str, direction: str = "recipient", timeout_s: float = 10.0) -> Dialog:
        """The dialog of that state and direction that was told last, once there is one."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for dialog in self._dialogs():
                if (dialog.state, dialog.direction) == (state, direction) and dialog.local_tag and dialog.remote_tag:
                    return dialog
            self._receive(0.2)
        raise AssertionError(f"nobody told of a dialog that is {state}: {self.bodies}")

    def until_told(self, pattern: str, timeout_s: float = 10.0) -> str:
        """The first body from now on, or not yet asked for, in which the pattern is found."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for at, body in enumerate(self.bodies):
                if re.search(pattern, body):
                    del self.bodies[: at + 1]
                    return body
            self._receive(0.2)
        raise AssertionError(f"nobody told of {pattern!r}: {self.bodies}")

    def close(self) -> None:
        self._socket.close()

    # ---- within

    def _dialogs(self) -> list[Dialog]:
        found = []
        for attributes, inner in _DIALOG.findall(self.bodies[-1]) if self.bodies else ():
            values = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
            state = _STATE.search(inner)
            names = ("direction", "call-id", "local-tag", "remote-tag")
            found.append(Dialog(state[1] if state else "", *(values.get(name, "") for name in names)))
        return found

    def _subscribe(self, user: str, package: str) -> None:
        port = self._socket.getsockname()[1]
        accept = {"dialog": "application/dialog-info+xml", "message-summary": "application/simple-message-summary"}
        self._send(
            f"SUBSCRIBE sip:{user}@{HOST}:{self._server.sip} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {OUTSIDE}:{port};branch=z9hG4bK{self._tag}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:watcher@{OUTSIDE}>;tag={self._tag}\r\nTo: <sip:{user}@{HOST}>\r\n"
            f"Call-ID: {self._call_id}\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:watcher@{OUTSIDE}:{port}>\r\n"
            f"Event: {package}\r\nAccept: {accept[package]}\r\nExpires: 300\r\nContent-Length: 0\r\n\r\n"
        )
        deadline = time.monotonic() + 10
        while not self.bodies:
            assert time.monotonic() < deadline, "the subscription was not answered"
            self._receive(0.5)

    def _send(self, text: str) -> None:
        self._socket.sendto(text.encode(), (HOST, self._server.sip))

    def _receive(self, timeout_s: float) -> None:
        self._socket.settimeout(timeout_s)
        try:
            text = self._socket.recv(65536).decode()
        except TimeoutError:
            return
        if text.startswith("NOTIFY"):
            head, _, body = text.partition("\r\n\r\n")
            names = ("Via", "From", "To", "Call-ID", "CSeq")
            lines = [line for line in head.split("\r\n")[1:] if line.partition(":")[0] in names]
            self._send("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]))
            self.bodies.append(body)
