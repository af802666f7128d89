# SPDX-License-Identifier: Apache-2.0
"""The SIP trace: it sees the whole of what names a subject, keeps a bounded part, and hides digest responses."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from switchroom.pbx import trace as module
from switchroom.pbx.io.stack import SipStack
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.trace import Trace

FLOW = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5062), 0)
Tap = Callable[[str, bytes, Flow], None]


class Stack:
    """All that a trace sees of the SIP stack."""

    tap: Tap | None = None

    def set_tap(self, tap: Tap | None) -> None:
        self.tap = tap

    def message(self, call_id: str, user: str = "1001", body: str = "", start: str = "INVITE sip:x SIP/2.0") -> None:
        text = f"{start}\r\nFrom: <sip:{user}@h>;tag=1\r\nCall-ID: {call_id}\r\n\r\n{body}"
        if self.tap is not None:
            self.tap("<", text.encode(), FLOW)


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def logged() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def trace(stack: Stack, logged: list[dict[str, Any]]) -> Trace:
    return Trace(cast(SipStack, stack), lambda: 7.0, lambda event, **fields: logged.append(fields))


def test_without_a_subject_there_is_no_tap(trace: Trace, stack: Stack) -> None:
    assert stack.tap is None
    trace.start("1001")
    assert stack.tap is not None
    assert trace.stop("1001")
    assert stack.tap is None
    assert not trace.stop("1001")


def test_a_user_is_seen_with_the_whole_of_its_calls_and_nobody_else(
    trace: Trace, stack: Stack, logged: list[dict[str, Any]]
) -> None:
    trace.start("1001")
    stack.message("a")
    stack.message("a", user="anonymous", start="SIP/2.0 200 OK")  # names no subject, but is of the same dialog
    stack.message("b", user="1002")
    stack.message("c", user="1002", body="1001 stands only in the body")
    assert [message.text.partition("\r\n")[0] for message in trace.messages("a")] == [
        "INVITE sip:x SIP/2.0",
        "SIP/2.0 200 OK",
    ]
    assert trace.messages("b") == trace.messages("c") == []
    assert [fields["sip_call_id"] for fields in logged] == ["a", "a"]
    trace.stop("1001")
    assert len(trace.messages("a")) == 2


def test_everything(trace: Trace, stack: Stack) -> None:
    trace.start("*")
    stack.message("a", user="1002")
    assert len(trace.messages("a")) == 1


def test_digest_responses_are_not_shown(trace: Trace, stack: Stack, logged: list[dict[str, Any]]) -> None:
    trace.start("*")
    stack.message("a", start='REGISTER sip:h SIP/2.0\r\nAuthorization: Digest response="0123456789abcdef", nc=1')
    assert "0123456789abcdef" not in str(logged) + str(trace.messages("a"))
    assert 'response="..."' in trace.messages("a")[0].text


def test_srtp_keys_are_not_shown(trace: Trace, stack: Stack, logged: list[dict[str, Any]]) -> None:
    trace.start("*")
    stack.message("a", body="a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20")
    assert "d0Rm" not in str(logged) + str(trace.messages("a"))
    assert "inline:...|2^20" in trace.messages("a")[0].text


def test_what_is_kept_is_bounded(trace: Trace, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CALLS", 3)
    monkeypatch.setattr(module, "MAX_SUBJECTS", 2)
    trace.start("*")
    for index in range(10):
        stack.message(f"call{index}")
    for _ in range(module.MAX_MESSAGES + 50):
        stack.message("call9")
    assert [bool(trace.messages(f"call{index}")) for index in range(10)] == [False] * 7 + [True] * 3
    assert len(trace.messages("call9")) == module.MAX_MESSAGES
    trace.start("1001")
    with pytest.raises(ValueError, match="traced already"):
        trace.start("1002")
