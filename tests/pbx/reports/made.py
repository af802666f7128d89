# SPDX-License-Identifier: Apache-2.0
"""Journals made by hand: (seconds, record) pairs become entries."""

from collections.abc import Iterable

from switchroom.pbx.events import AnyRecord, Entry

START_S = 1_800_000_000
"""A Friday, 08:00 UTC."""


def entries(facts: Iterable[tuple[float, AnyRecord]]) -> list[Entry]:
    return [Entry(number, round((START_S + at_s) * 1e9), record) for number, (at_s, record) in enumerate(facts, 1)]


def ms(at_s: float) -> int:
    return round((START_S + at_s) * 1000)
