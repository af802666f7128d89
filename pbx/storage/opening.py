# SPDX-License-Identifier: Apache-2.0
"""Which store an exchange has: SQLite in its data folder, or the PostgreSQL database of [storage]."""

from pathlib import Path
from typing import Literal

from switchroom.pbx.storage.base import Store
from switchroom.pbx.storage.postgres import PostgresStore
from switchroom.pbx.storage.sqlite import SqliteStore


async def open_store(url: str, folder: Path, sync: Literal["normal", "full"]) -> Store:
    """Open or create it. Raises StoreError."""
    if url:
        return await PostgresStore.open(url)
    return await SqliteStore.open(folder, sync)
