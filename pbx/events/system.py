# SPDX-License-Identifier: Apache-2.0
"""The exchange itself, its operators, its journal."""

from switchroom.pbx.events.record import Record


class ServerStarted(Record, frozen=True, tag="server.started"):
    version: str


class ServerStopped(Record, frozen=True, tag="server.stopped"):
    reason: str


class OperatorCalled(Record, frozen=True, tag="operator.called"):
    """An operator used a method that changes something."""

    operator: str
    method: str
    params: str
    outcome: str


class RecordsLost(Record, frozen=True, tag="journal.lost"):
    """The disk was too slow or full for so long that records had to be dropped; they have no numbers."""

    lost: int
