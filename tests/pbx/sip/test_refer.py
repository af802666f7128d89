# SPDX-License-Identifier: Apache-2.0
"""What a REFER asks for, as phones write it."""

import pytest

from switchroom.pbx.sip.errors import SipError
from switchroom.pbx.sip.message import Request
from switchroom.pbx.sip.refer import Referral, Replaces, read_refer

ESCAPED = "Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2"


def refer(*values: str) -> Referral:
    return read_refer(Request("REFER", "sip:1002@192.0.2.1", {"refer-to": list(values)}))


@pytest.mark.parametrize(
    "value",
    [f"<sip:1003@192.0.2.1?{ESCAPED}>", f'"Bea" <sip:1003@192.0.2.1?{ESCAPED}>', f"sip:1003@192.0.2.1?{ESCAPED}"],
)
def test_the_call_whose_place_is_taken(value: str) -> None:
    """Also without the angle brackets that a URI with headers needs: phones leave them out."""
    asked = refer(value)
    assert str(asked.target) == "sip:1003@192.0.2.1"
    assert asked.replaces == Replaces("a@b", "1", "2")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ((), 400),
        (("sip:1@a", "sip:2@a"), 400),
        (("<sip:1@a;method=BYE>",), 603),
        (("<mailto:a@b>",), 603),
        (("nothing",), 400),
        (("<sip:1@a?Replaces=x%3Bto-tag%3D1>",), 400),
    ],
)
def test_what_is_no_call(values: tuple[str, ...], status: int) -> None:
    with pytest.raises(SipError) as caught:
        refer(*values)
    assert caught.value.status == status
