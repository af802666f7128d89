# SPDX-License-Identifier: Apache-2.0
"""[ivr] and [speech]: flows, prompts, voices, and the systems that flows may ask."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from switchroom.ivr.spoken import Language


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """[ivr.queries.NAME]: a query that flows may run; values are named in it as `:number`, never put into its text."""

    database: str
    sql: str
    most_rows: Annotated[int, Meta(ge=1, le=1000)] = 20


class IvrConfig(msgspec.Struct, frozen=True, kw_only=True):
    """[ivr]."""

    language: Language = "en"
    """Of flows in Python; a data flow begins in the first of its own languages."""
    prompts: str = "prompts"
    """The folder of recordings, `zh/welcome.wav` and so on; relative to the folder of the configuration file."""
    recorders: tuple[str, ...] = ()
    """The users who may record prompts by telephone."""
    flows: str = ""
    """The folder where versions of data flows are kept; empty: `flows` in data_dir."""
    databases: dict[str, str] = msgspec.field(default_factory=dict)
    """Name to address: `sqlite:PATH` or `postgresql://user:password@host/name`."""
    queries: dict[str, Query] = msgspec.field(default_factory=dict)
    http_hosts: tuple[str, ...] = ()
    """The hosts that flows may ask over HTTP; empty: any."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """(key, reason) for each rule between keys that is broken."""
        for name, address in self.databases.items():
            if not address.startswith(("sqlite:", "postgresql:", "postgres:")):
                yield f"databases.{name}", "expected sqlite:PATH or postgresql://…"
        for name, query in self.queries.items():
            if query.database not in self.databases:
                yield f"queries.{name}.database", f"no database is called {query.database!r}"


class SpeechConfig(msgspec.Struct, frozen=True, kw_only=True):
    """[speech]: who makes words of texts."""

    engine: Literal["espeak-ng", "http"] = "espeak-ng"
    url: str = ""
    """For `http`: gets `{"text", "language", "voice"}` by POST and answers with WAV, FLAC or Ogg audio. Where it fails,
    espeak-ng speaks."""
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    voices: dict[Language, str] = msgspec.field(default_factory=dict)
    """The voice of each language, by the engine's own names; for espeak-ng `en` and `cmn` unless told."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """(key, reason) for each rule between keys that is broken."""
        if self.engine == "http" and not self.url.startswith(("http://", "https://")):
            yield "url", "is needed for the engine http: http://… or https://…"
