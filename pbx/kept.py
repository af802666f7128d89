# SPDX-License-Identifier: Apache-2.0
"""A table of frozen values that survives restarts: read from memory, written through to the store.

What was put is seen at once; the awaited call returns when no crash can take it any more.
"""

from collections.abc import Iterator
from typing import Generic, Self, TypeVar

import msgspec

from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.storage.base import DocumentStore, StoredDocument

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


class Full(SwitchroomError):
    """The table has as many entries as it may have."""


class Kept(Generic[T]):
    """All values of one kind, by key; made by `load`. At most `limit` of them."""

    def __init__(self, store: DocumentStore, kind: str, limit: int) -> None:
        self._store, self._kind, self._limit = store, kind, limit
        self._values: dict[str, T] = {}

    @classmethod
    async def load(cls, store: DocumentStore, kind: str, type_: type[T], limit: int = 100_000) -> Self:
        """What the store has; an entry that cannot be understood (a newer program wrote it) is left where it is."""
        kept = cls(store, kind, limit)
        decoder = msgspec.json.Decoder(type_)
        for document in await store.load(kind):
            try:
                kept._values[document.key] = decoder.decode(document.data)
            except msgspec.ValidationError:
                continue
        return kept

    def get(self, key: str) -> T | None:
        return self._values.get(key)

    def items(self) -> list[tuple[str, T]]:
        return list(self._values.items())

    def values(self) -> list[T]:
        return list(self._values.values())

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    async def put(self, key: str, value: T) -> None:
        """Insert or replace. Raises Full, StoreError."""
        if key not in self._values and len(self._values) >= self._limit:
            raise Full(f"there are {self._limit} of {self._kind} already")
        self._values[key] = value
        await self._store.save(self._kind, [StoredDocument(key, _encoder.encode(value))], [])

    async def remove(self, *keys: str) -> None:
        """Delete; what is not there is fine. Raises StoreError."""
        there = [key for key in keys if self._values.pop(key, None) is not None]
        if there:
            await self._store.save(self._kind, [], there)
