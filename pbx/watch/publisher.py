# SPDX-License-Identifier: Apache-2.0
"""PUBLISH of presence (RFC 3903): what a user's phone says of him goes to those who watch him, until it expires."""

from dataclasses import dataclass

from switchroom.pbx.gatekeeper import Caller, Gatekeeper
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.message import Headers, Request
from switchroom.pbx.sip.subscription import expires_of
from switchroom.pbx.sip.timers import Timer
from switchroom.pbx.sip.transaction import Transaction
from switchroom.pbx.sip.user_agent import UserAgent
from switchroom.pbx.watch.documents import TYPES
from switchroom.pbx.watch.hub import Hub
from switchroom.pbx.watch.notifier import user_of

MAX_S = 3600
MAX_BYTES = 8192
MAX_PER_USER = 10


@dataclass(slots=True)
class Publication:
    """What one phone said."""

    user: str
    tag: str
    document: bytes
    timer: Timer | None = None


class Publisher:
    """All publications; `document` gives the newest of a user."""

    def __init__(self, agent: UserAgent, hub: Hub, gatekeeper: Gatekeeper) -> None:
        self._agent = agent
        self._hub = hub
        self._gatekeeper = gatekeeper
        self._publications: dict[str, dict[str, Publication]] = {}
        agent.handlers["PUBLISH"] = self.on_publish

    def document(self, user: str) -> bytes:
        """What a user's phones said last; empty where nothing is in force."""
        return next((p.document for p in reversed(self._publications.get(user, {}).values())), b"")

    def on_publish(self, request: Request, transaction: Transaction, flow: Flow) -> None:
        """Serve a PUBLISH; users speak for themselves only."""
        caller = self._gatekeeper.identify(request, flow)
        if isinstance(caller, Caller):
            status, headers = self._publish(request, caller, user_of(request.uri))
        else:
            status, headers = caller.status, caller.headers
        response = request.response(status, to_tag=self._agent.ids.tag())
        response.headers.update(headers)
        transaction.respond(response)

    def _publish(self, request: Request, caller: Caller, user: str) -> tuple[int, Headers]:
        if (request.get("event") or "").partition(";")[0].strip().lower() != "presence":
            return 489, {"allow-events": ["presence"]}
        if not user or (caller.user and caller.user != user):
            return 403, {}
        if request.body and request.content_type != TYPES["presence"]:
            return 415, {"accept": [TYPES["presence"]]}
        if len(request.body) > MAX_BYTES:
            return 413, {}
        mine = self._publications.setdefault(user, {})
        old_tag, expires_s = (request.get("sip-if-match") or "").strip(), expires_of(request, MAX_S, MAX_S)
        if old_tag and old_tag not in mine:
            return 412, {}
        if not old_tag and not request.body:
            return 400, {}
        old = mine.pop(old_tag, None)
        if old is not None and old.timer is not None:
            old.timer.stop()
        document = request.body or (old.document if old is not None else b"")
        tag = self._agent.ids.tag()
        if expires_s:
            if len(mine) >= MAX_PER_USER:
                self._drop(next(iter(mine.values())))
            publication = mine[tag] = Publication(user, tag, document)
            publication.timer = self._agent.timers.start(float(expires_s), self._drop, publication)
        self._tidy(user)
        if old is None or document != old.document or not expires_s:
            self._hub.changed("presence", user)
        return 200, {"sip-etag": [tag], "expires": [str(expires_s)]}

    def _drop(self, publication: Publication) -> None:
        if publication.timer is not None:
            publication.timer.stop()
        self._publications.get(publication.user, {}).pop(publication.tag, None)
        self._tidy(publication.user)
        self._hub.changed("presence", publication.user)

    def _tidy(self, user: str) -> None:
        if not self._publications.get(user, True):
            del self._publications[user]
