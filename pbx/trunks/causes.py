# SPDX-License-Identifier: Apache-2.0
"""ISDN causes (ITU-T Q.850) and SIP statuses, both ways (RFC 3398 sections 7.2.4.1 and 8.2.6.1), and the Reason header
that carries a cause unchanged (RFC 3326)."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

NORMAL_CLEARING: Final = 16
INTERWORKING: Final = 127

STATUS_OF_CAUSE: Final[Mapping[int, int]] = {
    1: 404,  # unallocated number
    2: 404,  # no route to network
    3: 404,  # no route to destination
    17: 486,  # user busy
    18: 408,  # no user responding
    19: 480,  # no answer from the user
    20: 480,  # subscriber absent
    21: 403,  # call rejected
    22: 410,  # number changed
    23: 410,  # redirection to new destination
    26: 404,  # non-selected user clearing
    27: 502,  # destination out of order
    28: 484,  # address incomplete
    29: 501,  # facility rejected
    31: 480,  # normal, unspecified
    34: 503,  # no circuit available
    38: 503,  # network out of order
    41: 503,  # temporary failure
    42: 503,  # switching equipment congestion
    44: 503,  # requested circuit not available
    47: 503,  # resource unavailable
    55: 403,  # incoming calls barred within the closed user group
    57: 403,  # bearer capability not authorised
    58: 503,  # bearer capability not presently available
    63: 503,  # service or option not available
    65: 488,  # bearer capability not implemented
    70: 488,  # only restricted digital information available
    79: 501,  # service or option not implemented
    87: 403,  # not a member of the closed user group
    88: 503,  # incompatible destination
    102: 504,  # recovery on timer expiry
    111: 500,  # protocol error
    127: 500,  # interworking, unspecified
}
"""For calls that have no answer; 16 has none, it is BYE or CANCEL."""

CAUSE_OF_STATUS: Final[Mapping[int, int]] = {
    400: 41, 401: 21, 402: 21, 403: 21, 404: 1, 405: 63, 406: 79, 407: 21, 408: 102, 410: 22, 413: 127, 414: 127,
    415: 79, 416: 127, 420: 127, 421: 127, 423: 127, 480: 18, 481: 41, 482: 25, 483: 25, 484: 28, 485: 1, 486: 17,
    487: 16, 488: 65, 500: 41, 501: 79, 502: 38, 503: 41, 504: 102, 505: 127, 513: 127, 600: 17, 603: 21, 604: 1,
    606: 65,
}  # fmt: skip

_CAUSE = re.compile(r"(?:^|,)\s*Q\.850\s*;(?:[^,]*;)?\s*cause\s*=\s*(\d{1,3})\b", re.IGNORECASE)


def status_of(cause: int) -> int:
    """The SIP status of a call that ended with an ISDN cause before it was answered."""
    return STATUS_OF_CAUSE.get(cause, 480 if cause < 32 else 503 if cause < 64 else 500)


def cause_of(status: int) -> int:
    """The ISDN cause of a call that ended with a SIP status; 200 is normal clearing."""
    if status < 300:
        return NORMAL_CLEARING
    return CAUSE_OF_STATUS.get(status, 41 if status >= 500 else INTERWORKING)


def told_status(status: int, cause: int) -> int:
    """The status that says what a peer meant: its cause, where its own status says little more than no."""
    vague = status == 480 or 500 <= status < 600
    return status_of(cause) if vague and cause != NORMAL_CLEARING else status


def read_reason(values: Iterable[str]) -> int | None:
    """The Q.850 cause that Reason headers name; None where they name none."""
    for value in values:
        if (found := _CAUSE.search(value)) is not None and 1 <= int(found[1]) <= 127:
            return int(found[1])
    return None


def reason(cause: int) -> str:
    """A Reason header with a cause."""
    return f"Q.850;cause={cause}"
