# SPDX-License-Identifier: Apache-2.0
"""`flows.*` and `prompts.*`: what callers go through, changed while calls go on."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from switchroom.ivr import document, lint
from switchroom.ivr.shelf import About, FlowRefused
from switchroom.ivr.spoken import Language
from switchroom.pbx.rpc.errors import RpcError, invalid_params
from switchroom.pbx.rpc.methods.values import Number, Text
from switchroom.pbx.rpc.registry import Context, Nothing, Params, method


class Finding(msgspec.Struct, frozen=True):
    """Something wrong with a flow, and where in it."""

    key: str
    reason: str


class Flows(msgspec.Struct, frozen=True):
    flows: list[About]


@method("flows.list", changes=False)
async def flows_list(context: Context, params: Nothing) -> Flows:
    return Flows(context.exchange.flows.about())


class FlowsGet(Params, frozen=True):
    name: Text
    version: Number | None = None


class FlowText(msgspec.Struct, frozen=True):
    name: str
    text: str
    """TOML or JSON, as it was written."""


@method("flows.get", changes=False)
async def flows_get(context: Context, params: FlowsGet) -> FlowText:
    try:
        return FlowText(params.name, context.exchange.flows.text(params.name, params.version))
    except FlowRefused as error:
        raise invalid_params("$.name", str(error)) from error


class FlowsCheck(Params, frozen=True):
    flow: Annotated[str, Meta(max_length=document.MAX_BYTES)] | dict[str, Any]
    """Text, TOML or JSON, or the JSON itself."""


class Checked(msgspec.Struct, frozen=True):
    """`mistakes` keep a flow from running, `findings` do not."""

    mistakes: list[Finding]
    findings: list[Finding]


@method("flows.check", changes=False)
async def flows_check(context: Context, params: FlowsCheck) -> Checked:
    found, mistakes = document.read(_text(params.flow))
    findings = lint.lint(found, context.exchange.flows.prompts) if found is not None else []
    return Checked([Finding(m.key, m.reason) for m in mistakes], [Finding(m.key, m.reason) for m in findings])


class FlowsPut(Params, frozen=True):
    flow: Annotated[str, Meta(max_length=document.MAX_BYTES)] | dict[str, Any]
    activate: bool = False


class Kept(msgspec.Struct, frozen=True):
    version: int
    findings: list[Finding]


@method("flows.put", changes=True)
async def flows_put(context: Context, params: FlowsPut) -> Kept:
    try:
        version, findings = context.exchange.flows.put(_text(params.flow), activate=params.activate)
    except FlowRefused as error:
        raise _refused(error) from error
    return Kept(version, [Finding(m.key, m.reason) for m in findings])


class FlowsActivate(Params, frozen=True):
    name: Text
    version: Number


class Active(msgspec.Struct, frozen=True):
    name: str
    version: int


@method("flows.activate", changes=True)
async def flows_activate(context: Context, params: FlowsActivate) -> Active:
    try:
        context.exchange.flows.activate(params.name, params.version)
    except FlowRefused as error:
        raise _refused(error) from error
    return Active(params.name, params.version)


class Recordings(msgspec.Struct, frozen=True):
    """The names of recorded prompts, each with the languages that it has."""

    prompts: dict[str, list[Language]]


@method("prompts.list", changes=False)
async def prompts_list(context: Context, params: Nothing) -> Recordings:
    return Recordings(dict(context.exchange.flows.prompts.recordings()))


class PromptsPut(Params, frozen=True):
    name: Text
    language: Language
    audio: Annotated[bytes, Meta(max_length=20_000_000)]
    """A WAV, FLAC or Ogg file, in base64."""


class PromptPlace(msgspec.Struct, frozen=True):
    name: str
    language: Language


@method("prompts.put", changes=True)
async def prompts_put(context: Context, params: PromptsPut) -> PromptPlace:
    try:
        await context.exchange.flows.prompts.keep(params.name, params.language, params.audio)
    except ValueError as error:
        raise invalid_params("$.audio", str(error)) from error
    return PromptPlace(params.name, params.language)


class PromptsDelete(Params, frozen=True):
    name: Text
    language: Language


@method("prompts.delete", changes=True)
async def prompts_delete(context: Context, params: PromptsDelete) -> PromptPlace:
    try:
        context.exchange.flows.prompts.delete(params.name, params.language)
    except ValueError as error:
        raise invalid_params("$.name", str(error)) from error
    return PromptPlace(params.name, params.language)


def _text(flow: str | dict[str, Any]) -> str:
    return flow if isinstance(flow, str) else msgspec.json.encode(flow).decode()


def _refused(error: FlowRefused) -> RpcError:
    """The first mistake, by its path within the flow."""
    first = error.mistakes[0]
    path = "$.flow" + (f".{first.key}" if first.key else "")
    return invalid_params(path, "; ".join(f"{m.key}: {m.reason}" if m.key else m.reason for m in error.mistakes[:20]))
