# SPDX-License-Identifier: Apache-2.0
"""REFER from a party: it becomes the fact `TransferAsked`, and what comes of it goes back as NOTIFY (RFC 3515)."""

from typing import TYPE_CHECKING

from switchroom.pbx.calls.replaces import find
from switchroom.pbx.control import TransferAsked
from switchroom.pbx.events import CallTransferred
from switchroom.pbx.sip.errors import SipError
from switchroom.pbx.sip.message import Headers, Request
from switchroom.pbx.sip.refer import NO_SUBSCRIPTION, Referral, notify, read_refer
from switchroom.pbx.sip.session import Session
from switchroom.pbx.sip.transaction import Transaction

if TYPE_CHECKING:
    from switchroom.pbx.calls.leg import Leg

EXPIRES_S = 180


class Transfer:
    """A transfer that a leg asked for, by REFER or through an operator, until its outcome is told."""

    def __init__(self, leg: "Leg", asked: TransferAsked) -> None:
        self.asked = asked
        self.over = False
        self.accepted = False
        self.session: Session | None = None
        self._leg = leg
        self._event = "refer"
        self._quiet = True
        self._transaction: Transaction | None = None

    def by_refer(self, session: Session, transaction: Transaction, referral: Referral, event: str) -> None:
        """A REFER asked for it: the first `told` answers that."""
        self.session = session
        self._quiet = referral.quiet
        self._event = event
        self._transaction = transaction

    def told(self, status: int) -> None:
        """How it goes; the first word accepts it."""
        if self.over:
            return
        self.over = status >= 200
        if self.session is not None:
            self._accept()
            if not self._quiet:
                notify(self.session, self._event, status, self.over, EXPIRES_S)
        self.accepted = True
        if self.over:
            leg, replaced = self._leg, self.asked.replaced
            leg.story.write(
                CallTransferred(
                    call=leg.call_id, leg=leg.id, target=self.asked.target, status=status,
                    to_call=replaced.call_id if replaced is not None else "",
                    to_leg=replaced.id if replaced is not None else "",
                )
            )  # fmt: skip

    def refuse(self, status: int) -> None:
        """Nobody takes it."""
        self.over = True
        if self.session is not None and self._transaction is not None:
            self.session.reply(self._transaction, status)
            self._transaction = None

    def _accept(self) -> None:
        if self._transaction is None or self.session is None:
            return
        headers: Headers = {"contact": [self.session.contact]}
        if self._quiet:
            headers |= {"refer-sub": ["false"], "supported": [NO_SUBSCRIPTION]}
        self.session.reply(self._transaction, 200 if self._quiet else 202, headers)
        self._transaction = None


def on_refer(leg: "Leg", session: Session, request: Request, transaction: Transaction) -> None:
    """Serve a REFER within a call."""
    try:
        referral = read_refer(request)
    except SipError as error:
        session.reply(transaction, error.status)
        return
    replaced = None
    if referral.replaces is not None:
        replaced = find(leg.board, referral.replaces)
        if replaced is None or replaced is leg:
            session.reply(transaction, 481)
            return
    if leg.transfer is not None and not leg.transfer.over:
        session.reply(transaction, 491)
        return
    uri = referral.target
    ours = uri.scheme == "tel" or leg.board.stack.is_ours(uri, leg.board.config.sip.domains)
    number = uri.opaque.partition(";")[0] if uri.scheme == "tel" else uri.user or ""
    if replaced is not None and not replaced.called:
        number, ours = replaced.story.dialled, True
    asked = TransferAsked(number if ours and number else str(uri), replaced)
    transfer = Transfer(leg, asked)
    event = "refer" if leg.transfer is None else f"refer;id={request.cseq.number}"
    transfer.by_refer(session, transaction, referral, event)
    ask(leg, transfer)


def ask(leg: "Leg", transfer: Transfer) -> None:
    """Tell the listener; one that does not take the transfer at once does not know how."""
    leg.transfer = transfer
    leg.tell(transfer.asked)
    if not transfer.accepted:
        transfer.refuse(501)
