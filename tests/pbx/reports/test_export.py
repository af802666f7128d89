# SPDX-License-Identifier: Apache-2.0
"""Names from outside do no harm in a spreadsheet."""

from switchroom.pbx.reports.counts import QueueCounts
from switchroom.pbx.reports.export import as_csv, table
from switchroom.pbx.reports.kpis import kpis
from switchroom.pbx.reports.reports import QueueRow


def test_what_looks_like_a_formula_is_text() -> None:
    counts = QueueCounts(offered=1)
    rows = [QueueRow(queue='=HYPERLINK("x")', since_ms=0, counts=counts, kpis=kpis(counts))]
    lines = table(rows)
    assert lines[0][:3] == ["queue", "since_ms", "ratings"]
    assert b"'=HYPERLINK" in as_csv(lines)
    assert table([]) == []
