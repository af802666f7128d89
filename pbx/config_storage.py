# SPDX-License-Identifier: Apache-2.0
"""[storage]: where journal, CDRs, registrations and everything else that must survive is kept."""

from collections.abc import Iterator

import msgspec

from switchroom.pbx.config_values import Secret


class StorageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """[storage]."""

    url: Secret = Secret()
    """`postgresql://user:password@host/database`; empty: SQLite in `data_dir`."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """(key, reason) for each rule that is broken."""
        if self.url and not self.url.reveal().startswith(("postgresql://", "postgres://")):
            yield "url", "expected postgresql://user:password@host/database"
