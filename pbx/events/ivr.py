# SPDX-License-Identifier: Apache-2.0
"""What callers go through before, between and after people."""

from typing import Literal

from switchroom.pbx.events.record import Record


class FlowStarted(Record, frozen=True, tag="flow.started"):
    call: str
    flow: str
    version: int = 0
    """Of a flow that is data; 0 for one that is code."""


class FlowStep(Record, frozen=True, tag="flow.step"):
    """A step is over. What the caller typed is not kept here: it may be a PIN."""

    call: str
    flow: str
    step: str
    verb: str
    outcome: str = ""


class FlowEnded(Record, frozen=True, tag="flow.ended"):
    call: str
    flow: str
    outcome: Literal["done", "hung-up", "failed"]
    step: str = ""
    """The last step that began."""
    reason: str = ""


class CallRated(Record, frozen=True, tag="call.rated"):
    """The caller said how content he is with the agent who served him last."""

    call: str
    grade: str
    score: float
    """What the grade weighs in the index of satisfaction; 0 to 100."""
    agent: str = ""
    queue: str = ""


class MessageLeft(Record, frozen=True, tag="message.left"):
    """The caller spoke a message."""

    call: str
    mailbox: str
    path: str
    duration_ms: int
    caller: str = ""


class PromptRecorded(Record, frozen=True, tag="prompt.recorded"):
    """Somebody recorded a prompt by telephone; callers hear it from now on."""

    call: str
    prompt: str
    language: str
    by: str
    """The user."""
    duration_ms: int
