# SPDX-License-Identifier: Apache-2.0
"""What phones may watch of this exchange: lines, presence, registrations, messages that wait; and their messages."""

from collections.abc import Callable

from switchroom.pbx.apps.voicemail.boxes import Boxes
from switchroom.pbx.calls.switchboard import Switchboard
from switchroom.pbx.gatekeeper import Gatekeeper
from switchroom.pbx.registrar import Registrar
from switchroom.pbx.sip.user_agent import UserAgent
from switchroom.pbx.watch.hub import Contacts, Hub, Messages, Presence
from switchroom.pbx.watch.lines import dialogs_of
from switchroom.pbx.watch.messages import Relay
from switchroom.pbx.watch.notifier import Notifier
from switchroom.pbx.watch.publisher import Publisher


class Watching:
    """Joins the event packages (RFC 6665) with those who know the state that each of them tells."""

    def __init__(
        self,
        agent: UserAgent,
        gatekeeper: Gatekeeper,
        registrar: Registrar,
        board: Switchboard,
        boxes: Boxes,
        utc_s: Callable[[], float],
    ) -> None:
        self.hub = Hub()
        self._registrar, self._board, self._boxes, self._utc_s = registrar, board, boxes, utc_s
        self.notifier = Notifier(agent, self.hub, gatekeeper, registrar.knows, registrar.lookup)
        self._publisher = Publisher(agent, self.hub, gatekeeper)
        Relay(agent, gatekeeper, registrar)
        self.hub.provide("presence", self._presence)
        self.hub.provide("reg", self._contacts)
        self.hub.provide("message-summary", self._messages)
        self.hub.provide("dialog", lambda user: dialogs_of(board.lines.of(user)))
        board.on_line = self._line_changed
        boxes.on_change.append(lambda user, counts: self.hub.changed("message-summary", user))

    def registered(self, user: str, new: bool) -> None:
        """A user's phone came (`new`) or went."""
        self.hub.changed("reg", user)
        self.hub.changed("presence", user)
        if new and self._boxes.counts(user).new:
            self.hub.changed("message-summary", user)

    def close(self) -> None:
        self.notifier.close()

    def _presence(self, user: str) -> Presence:
        busy = any(leg.state == "answered" for leg in self._board.legs_of(user))
        note = "On the phone" if busy else ""
        return Presence(bool(self._registrar.lookup(user)), note, self._publisher.document(user))

    def _contacts(self, user: str) -> Contacts:
        now_s = self._utc_s()
        bindings = self._registrar.lookup(user)
        return Contacts(tuple((b.contact, max(1, round(b.expires_at_s - now_s))) for b in bindings))

    def _messages(self, user: str) -> Messages:
        counts = self._boxes.counts(user)
        return Messages(counts.new, counts.saved)

    def _line_changed(self, user: str) -> None:
        self.hub.changed("dialog", user)
        self.hub.changed("presence", user)
