# SPDX-License-Identifier: Apache-2.0
"""Causes and statuses, row by row against RFC 3398 (sections 7.2.4.1 and 8.2.6.1)."""

import pytest

from switchroom.pbx.trunks.causes import cause_of, read_reason, reason, status_of

ISUP_TO_SIP = {
    1: 404, 2: 404, 3: 404, 17: 486, 18: 408, 19: 480, 20: 480, 21: 403, 22: 410, 23: 410, 26: 404, 27: 502, 28: 484,
    29: 501, 31: 480, 34: 503, 38: 503, 41: 503, 42: 503, 47: 503, 55: 403, 57: 403, 58: 503, 65: 488, 70: 488, 79: 501,
    87: 403, 88: 503, 102: 504, 111: 500, 127: 500,
}  # fmt: skip
SIP_TO_ISUP = {
    400: 41, 401: 21, 402: 21, 403: 21, 404: 1, 405: 63, 406: 79, 407: 21, 408: 102, 410: 22, 413: 127, 414: 127,
    415: 79, 416: 127, 420: 127, 421: 127, 423: 127, 480: 18, 481: 41, 482: 25, 483: 25, 484: 28, 485: 1, 486: 17,
    500: 41, 501: 79, 502: 38, 503: 41, 504: 102, 505: 127, 513: 127, 600: 17, 603: 21, 604: 1,
}  # fmt: skip


@pytest.mark.parametrize(("cause", "status"), ISUP_TO_SIP.items())
def test_isdn_to_sip(cause: int, status: int) -> None:
    assert status_of(cause) == status


@pytest.mark.parametrize(("status", "cause"), SIP_TO_ISUP.items())
def test_sip_to_isdn(status: int, cause: int) -> None:
    assert cause_of(status) == cause


def test_every_cause_and_status_has_an_answer() -> None:
    assert all(400 <= status_of(cause) < 700 for cause in range(1, 128))
    assert all(1 <= cause_of(status) <= 127 for status in range(200, 700))
    assert (cause_of(200), cause_of(487)) == (16, 16)


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        (["Q.850;cause=17"], 17),
        (['Q.850 ;cause=34 ;text="no circuit"'], 34),
        (['q.850;text="x";cause=1'], 1),
        (["SIP;cause=200", "Q.850;cause=16"], 16),
        (["SIP;cause=486"], None),
        (["Q.850;cause=0", "Q.850;cause=999"], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_reason_header(values: list[str], cause: int | None) -> None:
    assert read_reason(values) == cause


def test_what_we_write_we_read() -> None:
    assert [read_reason([reason(cause)]) for cause in (1, 16, 127)] == [1, 16, 127]
