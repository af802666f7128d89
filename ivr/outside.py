# SPDX-License-Identifier: Apache-2.0
"""The company's other systems as flows see them: JSON over HTTP, and queries that the configuration names."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import aiosqlite
import msgspec

from switchroom.ivr.config import IvrConfig, Query

MAX_ANSWER_BYTES = 1_000_000
_VALUE = re.compile(r"(?<!:):([A-Za-z_]\w*)")


class OutsideError(OSError):
    """Another system did not do as asked; the text says which and why."""


class Outside:
    """Made once for all flows; connections are opened at the first use and kept."""

    def __init__(self, config: IvrConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._http: aiohttp.ClientSession | None = None
        self._sqlite: dict[str, aiosqlite.Connection] = {}
        self._pools: dict[str, Any] = {}
        self._opening = asyncio.Lock()

    async def http(self, method: str, url: str, json: Any, timeout_s: float) -> Any:
        """Send a request with a JSON body, or none; the JSON of a 2xx answer. Raises OutsideError, TimeoutError."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                headers={"accept": "application/json"}, cookie_jar=aiohttp.DummyCookieJar()
            )
        hosts = self._config.http_hosts
        if hosts and urlsplit(url).hostname not in hosts:
            raise OutsideError(f"{urlsplit(url).hostname} is not among [ivr] http_hosts")
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._http.request(method, url, json=json, max_redirects=3, allow_redirects=not hosts) as answer,
            ):
                body = await _limited(answer)
                if answer.status >= 300:
                    raise OutsideError(f"{url} answered {answer.status}")
                return msgspec.json.decode(body) if body.strip() else None
        except (aiohttp.ClientError, ValueError) as error:
            raise OutsideError(f"{url}: {str(error) or type(error).__name__}") from error

    async def query(self, name: str, values: Mapping[str, Any], timeout_s: float) -> list[dict[str, Any]]:
        """The rows of a query of [ivr.queries]. Raises OutsideError, TimeoutError."""
        query = self._config.queries.get(name)
        if query is None:
            raise OutsideError(f"[ivr.queries] has no query {name!r}")
        if missing := sorted(set(_VALUE.findall(query.sql)) - set(values)):
            raise OutsideError(f"the query {name!r} needs the value {missing[0]!r}")
        address = self._config.databases[query.database]
        async with asyncio.timeout(timeout_s):
            try:
                if address.startswith("sqlite:"):
                    return await self._by_sqlite(address.removeprefix("sqlite:"), query, values)
                return await self._by_postgres(address, query, values)
            except (aiosqlite.Error, OSError) as error:
                raise OutsideError(f"{query.database}: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.close()
        for connection in self._sqlite.values():
            await connection.close()
        for pool in self._pools.values():
            await pool.close()

    async def _by_sqlite(self, path: str, query: Query, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._opening:
            connection = self._sqlite.get(path)
            if connection is None:
                connection = await aiosqlite.connect(self._folder / path, isolation_level=None)
                connection.row_factory = aiosqlite.Row
                self._sqlite[path] = connection
        async with connection.execute(query.sql, dict(values)) as cursor:
            return [dict(row) for row in await cursor.fetchmany(query.most_rows)]

    async def _by_postgres(self, address: str, query: Query, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        import asyncpg

        async with self._opening:
            if address not in self._pools:
                self._pools[address] = await asyncpg.create_pool(address, min_size=0, max_size=4)
        names: list[str] = []

        def numbered(match: re.Match[str]) -> str:
            if match[1] not in names:
                names.append(match[1])
            return f"${names.index(match[1]) + 1}"

        sql = _VALUE.sub(numbered, query.sql)
        try:
            rows = await self._pools[address].fetch(sql, *(values[name] for name in names))
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise OutsideError(f"{query.database}: {error}") from error
        return [dict(row) for row in rows[: query.most_rows]]


async def _limited(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for part in answer.content.iter_chunked(65_536):
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise OutsideError(f"{answer.url} answered with more than {MAX_ANSWER_BYTES} bytes")
    return body
