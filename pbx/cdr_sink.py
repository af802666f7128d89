# SPDX-License-Identifier: Apache-2.0
"""Writes the CDR table from the journal, so that a kill at any moment neither loses nor doubles a CDR.

It follows durable entries only, and keeps CDRs and the number to resume from in one transaction.
"""

import msgspec

from switchroom.pbx.cdr import Cdr, CdrFold
from switchroom.pbx.journal import Gap, Journal
from switchroom.pbx.storage.base import CdrStore, StoredCdr, StoreError

_SAVE_EVERY = 10_000
"""Entries after which the resume number is saved though no call ended."""

_encoder = msgspec.json.Encoder()


class CdrSink:
    """One task; it ends with the journal."""

    def __init__(self, journal: Journal, store: CdrStore) -> None:
        self._journal, self._store = journal, store
        self.written = 0
        """CDRs written since the start."""

    async def run(self) -> None:
        """Fold and write until the journal is closed."""
        saved = await self._store.resume()
        fold = CdrFold(saved)
        reader = self._journal.follow(saved)
        while (entries := await reader.next()) is not None:
            if isinstance(entries, Gap):
                continue
            cdrs = [stored(cdr) for cdr in fold.feed(entries)]
            if cdrs or fold.resume - saved >= _SAVE_EVERY:
                saved = fold.resume
                await self._write(cdrs, saved)
        await self._write([], fold.resume)

    async def _write(self, cdrs: list[StoredCdr], resume: int) -> None:
        while True:
            try:
                await self._store.write(cdrs, resume)
            except StoreError as error:
                if not await self._journal.patience(error):
                    return  # the next start folds them again
            else:
                self.written += len(cdrs)
                return


def stored(cdr: Cdr) -> StoredCdr:
    """A CDR with the columns that the store finds it by."""
    return StoredCdr(
        call=cdr.call,
        started_at_ms=cdr.started_at_ms,
        caller=cdr.caller,
        dialled=cdr.dialled,
        user=cdr.user,
        result=cdr.result,
        data=msgspec.Raw(_encoder.encode(cdr)),
    )
