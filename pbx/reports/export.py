# SPDX-License-Identifier: Apache-2.0
"""Reports as tables for spreadsheets: CSV and XLSX. Shares stay numbers between 0 and 1, times milliseconds."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec
from openpyxl import Workbook

Row = list[Any]


def table(rows: Sequence[msgspec.Struct]) -> list[Row]:
    """A header, and a line for each row of a report: its own columns, its counts, its key figures."""
    if not rows:
        return []
    lines = [_flat(msgspec.to_builtins(row)) for row in rows]
    header = list(lines[0])
    return [list(header), *([line.get(name) for name in header] for line in lines)]


def as_csv(lines: Sequence[Row]) -> bytes:
    """With a byte-order mark, so that spreadsheets take it for UTF-8."""
    text = io.StringIO()
    csv.writer(text).writerows([[_harmless(cell) for cell in line] for line in lines])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(lines: Sequence[Row], title: str) -> bytes:
    """One sheet. Takes its time: run it in a thread."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    for line in lines:
        sheet.append([_harmless(cell) for cell in line])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= value
        else:
            flat[name] = value
    return flat


def _harmless(cell: object) -> object:
    """A name from outside that begins like a formula must not be one."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell
