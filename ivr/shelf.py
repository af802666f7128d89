# SPDX-License-Identifier: Apache-2.0
"""The flows of an exchange: those written in Python, and data flows with their versions, which are switched live.

A data flow lies in a folder as `NAME/VERSION.toml` (or .json) beside `NAME/current`, which names the version in use. A
call goes on in the version in which it began.
"""

import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import msgspec

from switchroom.ivr import document, lint
from switchroom.ivr.document import Document
from switchroom.ivr.flow import Flow, FlowError
from switchroom.ivr.prompts import Prompts, is_name
from switchroom.ivr.services import Services
from switchroom.ivr.spoken import Language
from switchroom.pbx.call import Call
from switchroom.pbx.config_reader import Mistake
from switchroom.pbx.errors import SwitchroomError

READY = Path(__file__).parent / "ready"
"""Flows that come with the exchange."""
MAX_VERSIONS = 1_000
MAX_NESTED = 5

PythonFlow = Callable[[Flow], Awaitable[None]]


class FlowRefused(SwitchroomError):
    """A flow cannot be used; `mistakes` says all that is wrong with it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = list(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


class Version(msgspec.Struct, frozen=True):
    """One version of a data flow."""

    number: int
    document: Document


class About(msgspec.Struct, frozen=True, kw_only=True):
    """A flow in a list."""

    name: str
    title: str = ""
    kind: str = "data"
    """`data`, `code`, or `ready` for data that comes with the exchange."""
    version: int = 0
    versions: tuple[int, ...] = ()


class Shelf:
    """All flows. `folder` keeps what is put here; None: nothing is kept.

    A data flow begins in its first language, a Python flow in `language`.
    """

    def __init__(self, folder: Path | None, services: Services, language: Language = "en") -> None:
        self._folder = folder
        self._services = services
        self._language: Language = language
        self._code: dict[str, PythonFlow] = {}
        self._ready: dict[str, Version] = {}
        self._current: dict[str, Version] = {}

    @property
    def prompts(self) -> Prompts:
        return self._services.prompts

    def load(self) -> list[Mistake]:
        """Read the ready flows and the current versions from disk; what cannot be used is left out and told."""
        mistakes: list[Mistake] = []
        for path in sorted(READY.glob("*.toml")):
            found, wrong = document.read(path.read_text(encoding="utf-8"), str(path))
            mistakes += wrong
            if found is not None:
                self._ready[found.name] = Version(0, found)
        for name in self._names_on_disk():
            try:
                number = int((self._place(name) / "current").read_text())
                self._current[name] = Version(number, self._read(name, number))
            except (OSError, ValueError) as error:
                mistakes.append(Mistake(str(self._place(name)), "", f"cannot be read: {error}"))
            except FlowRefused as error:
                mistakes += error.mistakes
        return mistakes

    def register(self, name: str, work: PythonFlow) -> None:
        """Add a flow written in Python; it goes before data flows of the same name."""
        self._code[name] = work

    def use(self, found: Document) -> None:
        """Use a document under its name without keeping it, as for those of the configuration."""
        self._current[found.name] = Version(0, found)

    # ---- versions

    def put(self, text: str, *, activate: bool = False) -> tuple[int, list[Mistake]]:
        """Keep a document as the next version of its name; returns its number and the findings. Raises FlowRefused."""
        found, mistakes = document.read(text)
        if found is None:
            raise FlowRefused(mistakes)
        place = self._place(found.name)
        numbers = self.versions(found.name)
        if len(numbers) >= MAX_VERSIONS:
            raise FlowRefused([Mistake("", "", f"{found.name} has {MAX_VERSIONS} versions; delete some")])
        number = max(numbers, default=0) + 1
        os.makedirs(place, exist_ok=True)
        _write(place / f"{number}.{'json' if text.lstrip().startswith('{') else 'toml'}", text)
        if activate:
            self.activate(found.name, number)
        return number, lint.lint(found, self.prompts)

    def activate(self, name: str, number: int) -> None:
        """Let new calls take this version. Raises FlowRefused."""
        version = Version(number, self._read(name, number))
        _write(self._place(name) / "current", str(number))
        self._current[name] = version

    def versions(self, name: str) -> list[int]:
        """The numbers of the versions that are kept."""
        if self._folder is None or not is_name(name):
            return []
        return sorted(int(path.stem) for path in self._place(name).glob("*.*") if path.stem.isdecimal())

    def text(self, name: str, number: int | None = None) -> str:
        """A version as it was written; without a number the current one. Raises FlowRefused."""
        if number is None and name not in self._current and name in self._ready:
            return (READY / f"{name}.toml").read_text(encoding="utf-8")
        if number is None:
            number = self._current[name].number if name in self._current else 0
        for path in self._place(name).glob(f"{number}.*"):
            return path.read_text(encoding="utf-8")
        raise FlowRefused([Mistake("", "", f"there is no version {number} of a flow {name!r}")])

    def about(self) -> list[About]:
        """All flows, by name."""
        found = {name: About(name=name, title=v.document.title, kind="ready") for name, v in self._ready.items()}
        for name, version in self._current.items():
            found[name] = About(
                name=name, title=version.document.title, version=version.number, versions=tuple(self.versions(name))
            )
        found |= {name: About(name=name, kind="code") for name in self._code}
        return [found[name] for name in sorted(found)]

    # ---- calls

    async def serve(self, call: Call, name: str) -> None:
        """Let a call go through a flow, and hang up after it. Raises CallError, CallerGone."""
        flow = self.flow(call, name)
        await flow.answer()
        await flow.run(lambda flow: self._run(flow, name, 1))
        await call.hangup(200)

    def flow(self, call: Call, name: str) -> Flow:
        """A Flow for a call. Raises CallError where there is no flow of that name."""
        version = self._version(name)
        if version is None:
            return Flow(call, self._services, name, language=self._language)
        return Flow(call, self._services, name, language=version.document.languages[0], version=version.number)

    async def _run(self, flow: Flow, name: str, depth: int) -> None:
        version = self._version(name)
        if version is None:
            await self._code[name](flow)
        else:
            await version.document.run(flow, lambda flow, other: self._nested(flow, other, depth + 1))

    async def _nested(self, flow: Flow, name: str, depth: int) -> None:
        """Another flow for the same call: its steps are journalled under its own name."""
        if depth > MAX_NESTED:
            raise FlowError(f"flows call each other more than {MAX_NESTED} deep")
        outer, version = (flow.name, flow.version), self._version(name)
        flow.name, flow.version = name, version.number if version is not None else 0
        try:
            await flow.run(lambda flow: self._run(flow, name, depth))
        finally:
            flow.name, flow.version = outer

    def _version(self, name: str) -> Version | None:
        """The data flow of a name; None where it is code. Raises FlowError."""
        if name in self._code:
            return None
        version = self._current.get(name) or self._ready.get(name)
        if version is None:
            raise FlowError(f"no flow is called {name!r}")
        return version

    # ---- disk

    def _place(self, name: str) -> Path:
        if self._folder is None:
            raise FlowRefused([Mistake("", "", "this exchange keeps no flows")])
        if not is_name(name):
            raise FlowRefused([Mistake("", "name", "expected letters, digits, - and _")])
        return self._folder / name

    def _names_on_disk(self) -> list[str]:
        if self._folder is None:
            return []
        return sorted(path.parent.name for path in self._folder.glob("*/current") if is_name(path.parent.name))

    def _read(self, name: str, number: int) -> Document:
        found, mistakes = document.read(self.text(name, number), f"{name}/{number}")
        if found is None:
            raise FlowRefused(mistakes)
        return found


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)  # a file that exists is whole
