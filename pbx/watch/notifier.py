# SPDX-License-Identifier: Apache-2.0
"""SUBSCRIBE and NOTIFY for the packages dialog, presence, message-summary and reg (RFC 6665), out of the hub.

A phone that is registered and has not subscribed to its message lamp is told unasked (RFC 3842 section 4.1).
"""

from collections.abc import Callable

from switchroom.pbx.gatekeeper import Caller, Gatekeeper
from switchroom.pbx.registrar import Binding
from switchroom.pbx.sip.errors import ParseError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import NameAddr
from switchroom.pbx.sip.message import Headers, Request
from switchroom.pbx.sip.subscription import Subscription, expires_of
from switchroom.pbx.sip.transaction import NOBODY, Transaction
from switchroom.pbx.sip.uri import parse_uri
from switchroom.pbx.sip.user_agent import UserAgent
from switchroom.pbx.watch.documents import TYPES, dialog_info, message_summary, pidf, reginfo
from switchroom.pbx.watch.hub import Contacts, Dialogs, Hub, Messages, Presence

MAX_S = 3600
MAX_SUBSCRIPTIONS = 50_000
MAX_PER_SUBSCRIBER = 200
RETRY_S = 30
OWN = ("message-summary", "reg")
"""Packages that users may watch of themselves only."""


class Notifier:
    """All subscriptions. `knows` says whether there is a user, `contacts` where his phones are."""

    def __init__(
        self,
        agent: UserAgent,
        hub: Hub,
        gatekeeper: Gatekeeper,
        knows: Callable[[str], bool],
        contacts: Callable[[str], list[Binding]],
    ) -> None:
        self._agent = agent
        self._hub = hub
        self._gatekeeper = gatekeeper
        self._knows = knows
        self._contacts = contacts
        self._by_state: dict[tuple[str, str], list[Subscription]] = {}
        self._owners: dict[Subscription, tuple[str, str, str]] = {}
        """Package, user and account of whoever watches."""
        self._per_subscriber: dict[str, int] = {}
        hub.on_change = self._on_change
        agent.handlers["SUBSCRIBE"] = self.on_subscribe
        agent.dialog_methods.add("SUBSCRIBE")

    def __len__(self) -> int:
        return len(self._owners)

    def on_subscribe(self, request: Request, transaction: Transaction, flow: Flow) -> None:
        """A SUBSCRIBE outside a dialog."""
        caller = self._gatekeeper.identify(request, flow)
        if not isinstance(caller, Caller):
            self._refuse(transaction, caller.status, caller.headers)
            return
        package = (request.get("event") or "").partition(";")[0].strip().lower()
        user = parse_uri(request.uri).user or ""
        refusal = self._refusal(request, package, user, caller)
        if refusal is not None:
            self._refuse(transaction, *refusal)
            return
        subscription = Subscription(self._agent, request, flow, self._document, self._over)
        self._by_state.setdefault((package, user), []).append(subscription)
        self._owners[subscription] = package, user, caller.account
        self._per_subscriber[caller.account] = self._per_subscriber.get(caller.account, 0) + 1
        subscription.answer(transaction, expires_of(request, MAX_S, MAX_S))

    def close(self) -> None:
        """End all, as at shutdown: phones subscribe again (RFC 6665 section 4.1.3)."""
        for subscription in list(self._owners):
            subscription.end("deactivated")

    # ---- within

    def _refusal(self, request: Request, package: str, user: str, caller: Caller) -> tuple[int, Headers] | None:
        if package not in TYPES:
            return 489, {"allow-events": [", ".join(TYPES)]}
        if not self._knows(user):
            return 404, {}
        if package in OWN and caller.user and caller.user != user:
            return 403, {}
        if "accept" in request.headers:
            accepted = {value.partition(";")[0].strip().lower() for value in request.all("accept")}
            if accepted.isdisjoint((TYPES[package], "application/*", "*/*")):
                return 406, {"accept": [TYPES[package]]}
        full = len(self._owners) >= MAX_SUBSCRIPTIONS
        if full or self._per_subscriber.get(caller.account, 0) >= MAX_PER_SUBSCRIBER:
            return 503, {"retry-after": [str(RETRY_S)]}
        return None

    def _refuse(self, transaction: Transaction, status: int, headers: Headers) -> None:
        response = transaction.request.response(status, to_tag=self._agent.ids.tag())
        response.headers.update(headers)
        transaction.respond(response)

    def _document(self, subscription: Subscription) -> tuple[str, bytes]:
        package, user, _ = self._owners[subscription]
        host, port = self._agent.wire.sent_by(subscription.dialog.flow)
        entity = f"sip:{user}@{host}" + (f":{port}" if port != 5060 else "")
        return TYPES[package], self._write(package, user, entity, subscription.version)

    def _write(self, package: str, user: str, entity: str, version: int) -> bytes:
        match package, self._hub.find(package, user):
            case "dialog", Dialogs() as dialogs:
                return dialog_info(entity, dialogs, version)
            case "dialog", _:
                return dialog_info(entity, Dialogs(), version)
            case "presence", state:
                return pidf(entity, state if isinstance(state, Presence) else Presence())
            case "reg", state:
                return reginfo(entity, state if isinstance(state, Contacts) else Contacts(), version)
            case _, state:
                return message_summary(entity, state if isinstance(state, Messages) else Messages())

    def _on_change(self, package: str, user: str) -> None:
        watching = self._by_state.get((package, user))
        for subscription in list(watching or ()):
            subscription.notify()
        if package == "message-summary" and not watching:
            self._tell_unasked(user)

    def _tell_unasked(self, user: str) -> None:
        """Set the message lamp of a user's phones."""
        for binding in self._contacts(user):
            host, port = self._agent.wire.sent_by(binding.flow)
            entity = f"sip:{user}@{host}" + (f":{port}" if port != 5060 else "")
            self._agent.request(
                "NOTIFY", binding.contact, binding.flow, NOBODY,
                from_=NameAddr("", entity, {}), to=NameAddr("", entity, {}),
                headers={
                    "contact": [self._agent.contact(binding.flow)], "event": ["message-summary"],
                    "subscription-state": ["active"], "content-type": [TYPES["message-summary"]],
                },
                body=self._write("message-summary", user, entity, 0),
            )  # fmt: skip

    def _over(self, subscription: Subscription) -> None:
        package, user, account = self._owners[subscription]
        watching = self._by_state[package, user]
        watching.remove(subscription)
        if not watching:
            del self._by_state[package, user]
        self._per_subscriber[account] -= 1
        if not self._per_subscriber[account]:
            del self._per_subscriber[account]
        # the last NOTIFY still asks for its document
        self._agent.timers.start(0.0, self._forget, subscription)

    def _forget(self, subscription: Subscription) -> None:
        self._owners.pop(subscription, None)


def user_of(text: str) -> str:
    """The user that a URI names; empty where there is none."""
    try:
        return parse_uri(text).user or ""
    except ParseError:
        return ""
