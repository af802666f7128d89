# SPDX-License-Identifier: Apache-2.0
"""`voicemail.*`: the messages of mailboxes; their sound is at `/voicemail/ID.wav`."""

from typing import Literal

import msgspec

from switchroom.pbx.apps.voicemail.boxes import Counts, Message
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.rpc.methods.values import Done, Text
from switchroom.pbx.rpc.registry import Context, Params, method


class VoicemailList(Params, frozen=True):
    box: Text


class Messages(msgspec.Struct, frozen=True):
    messages: list[Message]
    counts: Counts


@method("voicemail.list", changes=False)
async def voicemail_list(context: Context, params: VoicemailList) -> Messages:
    boxes = context.exchange.office.boxes
    try:
        boxes.box(params.box)
    except SwitchroomError as error:
        raise refused(404, str(error)) from error
    return Messages(boxes.messages(params.box), boxes.counts(params.box))


class OneMessage(Params, frozen=True):
    message: Text


@method("voicemail.get", changes=False)
async def voicemail_get(context: Context, params: OneMessage) -> Message:
    return _message(context, params.message)


class VoicemailMark(Params, frozen=True):
    message: Text
    state: Literal["new", "saved"]


@method("voicemail.mark", changes=True)
async def voicemail_mark(context: Context, params: VoicemailMark) -> Message:
    return await context.exchange.office.boxes.mark(_message(context, params.message), params.state)


@method("voicemail.delete", changes=True)
async def voicemail_delete(context: Context, params: OneMessage) -> Done:
    await context.exchange.office.boxes.discard(_message(context, params.message))
    return Done()


def _message(context: Context, message: str) -> Message:
    try:
        return context.exchange.office.boxes.message(message)
    except SwitchroomError as error:
        raise refused(404, str(error)) from error
