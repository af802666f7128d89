# SPDX-License-Identifier: Apache-2.0
"""The bodies of NOTIFYs: dialog-info (RFC 4235), PIDF (RFC 3863), message-summary (RFC 3842), reginfo (RFC 3680)."""

from xml.sax.saxutils import escape, quoteattr

from switchroom.pbx.watch.hub import Contacts, Dialogs, Messages, Presence

TYPES = {
    "dialog": "application/dialog-info+xml",
    "presence": "application/pidf+xml",
    "message-summary": "application/simple-message-summary",
    "reg": "application/reginfo+xml",
}
"""Event package -> the type of its documents."""

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def dialog_info(entity: str, dialogs: Dialogs, version: int) -> bytes:
    """All dialogs of a user; an empty list says that there is none."""
    host = entity.partition("@")[2]
    out = [
        f'{_XML}<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" state="full"'
        f" entity={quoteattr(entity)}>\n"
    ]
    for dialog in dialogs.dialogs:
        ids = "".join(
            f" {name}={quoteattr(value)}"
            for name, value in (
                ("call-id", dialog.call_id), ("local-tag", dialog.local_tag), ("remote-tag", dialog.remote_tag),
            )
            if value
        )  # fmt: skip
        other = quoteattr(f"sip:{dialog.other}@{host}" if dialog.other else f"sip:{host}")
        out.append(
            f'<dialog id={quoteattr(dialog.id)}{ids} direction="{dialog.direction}"><state>{dialog.phase}</state>'
            f"<local><identity>{escape(entity)}</identity><target uri={quoteattr(entity)}/></local>"
            f"<remote><identity>{escape(other[1:-1])}</identity><target uri={other}/></remote></dialog>\n"
        )
    return "".join([*out, "</dialog-info>\n"]).encode()


def pidf(entity: str, presence: Presence) -> bytes:
    """Whether a user can be reached; what its own phone published goes first."""
    if presence.document:
        return presence.document
    note = f"<note>{escape(presence.note)}</note>" if presence.note else ""
    status = "open" if presence.open else "closed"
    return (
        f'{_XML}<presence xmlns="urn:ietf:params:xml:ns:pidf" entity={quoteattr(entity)}>'
        f'<tuple id="phone"><status><basic>{status}</basic></status>{note}</tuple></presence>\n'
    ).encode()


def message_summary(entity: str, messages: Messages) -> bytes:
    """How many voice messages wait."""
    waiting = "yes" if messages.new else "no"
    return (
        f"Messages-Waiting: {waiting}\r\nMessage-Account: {entity}\r\n"
        f"Voice-Message: {messages.new}/{messages.old} (0/0)\r\n"
    ).encode()


def reginfo(entity: str, contacts: Contacts, version: int) -> bytes:
    """Where a user is registered."""
    state = "active" if contacts.contacts else "terminated"
    inside = "".join(
        f'<contact id="c{number}" state="active" event="registered" expires="{left_s}">'
        f"<uri>{escape(uri)}</uri></contact>"
        for number, (uri, left_s) in enumerate(contacts.contacts)
    )
    return (
        f'{_XML}<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="{version}" state="full">'
        f'<registration aor={quoteattr(entity)} id="r" state="{state}">{inside}</registration></reginfo>\n'
    ).encode()
