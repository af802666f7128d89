# SPDX-License-Identifier: Apache-2.0
"""Where applications send a call: a number as somebody would dial it, a destination, or a word of forwarding."""

from collections.abc import Sequence

from switchroom.pbx.apps.destinations import Destinations
from switchroom.pbx.call import Call
from switchroom.pbx.control import CallControl, CallError, Endpoint
from switchroom.pbx.dialplan import Destination, DialPlan, Rule, UnknownContext

RUNG = ("user", "sip", "trunk", "route")
"""Kinds of destination that are phones, and can be rung beside others."""
VOICEMAIL = "voicemail"


class Routing:
    """The dial plan as applications use it; `plan` is replaced by a new configuration."""

    def __init__(self, plan: DialPlan, destinations: Destinations, control: CallControl) -> None:
        self.plan = plan
        self._destinations = destinations
        self._control = control

    def find(self, text: str, context: str, owner: str = "") -> tuple[Destination, Rule | None]:
        """What a number, destination or word means for its `owner`. Raises CallError."""
        if text == VOICEMAIL and owner:
            return Destination(VOICEMAIL, owner), None
        if ":" in text:
            try:
                return Destination.from_text(text), None
            except ValueError as error:
                raise CallError(404, str(error), "not-found") from error
        try:
            route = self.plan.route(text, context)
        except UnknownContext as error:
            raise CallError(404, str(error), "not-found") from error
        if route is None:
            raise CallError(404, f"{text} leads nowhere", "not-found")
        return route.to, route.rule

    async def send(self, call: Call, text: str, context: str, owner: str = "") -> None:
        """Serve a call there, to its end. Raises CallError, CallerGone."""
        to, rule = self.find(text, context, owner)
        await self._destinations.send(call, to.kind, to.argument, rule)

    def endpoints(self, text: str, context: str) -> Sequence[Endpoint]:
        """The phones that a number stands for. Raises CallError: it is none, or nowhere to be reached."""
        to, rule = self.find(text, context)
        if to.kind not in RUNG:
            raise CallError(404, f"{text} is no phone", "not-found")
        return self._control.endpoints(f"{to.kind}:{to.argument}", rule.codecs if rule is not None else ())
