# SPDX-License-Identifier: Apache-2.0
"""Which steps, and which ways out of menus, the callers of some tests have been through."""

from collections.abc import Iterable

from switchroom.ivr.document import Document
from switchroom.ivr.steps.hearing import Menu
from switchroom.pbx.events import AnyRecord, FlowStep


class Coverage:
    """Add the records of any number of benches, then ask what is missing."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {}

    def add(self, records: Iterable[AnyRecord]) -> None:
        """Take what a bench has written."""
        for record in records:
            if isinstance(record, FlowStep):
                self._seen.setdefault(record.flow, set()).update((record.step, f"{record.step}.{record.outcome}"))

    def missing(self, document: Document) -> list[str]:
        """Steps that nobody came to, and keys of menus that nobody pressed (`step.key`)."""
        seen = self._seen.get(document.name, set())
        wanted = []
        for name, step in document.steps.items():
            wanted.append(name)
            if isinstance(step, Menu):
                wanted += [f"{name}.{key}" for key in step.choices] + [f"{name}.no choice"]
        return [name for name in wanted if name not in seen]
