# SPDX-License-Identifier: Apache-2.0
"""Types that the parameters of many methods share."""

from typing import Annotated

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=256)]
Name = Annotated[str, Meta(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
Number = Annotated[int, Meta(ge=0, le=2**53)]
"""What every JSON reader keeps exactly."""
Limit = Annotated[int, Meta(ge=1, le=1000)]


class Done(msgspec.Struct, frozen=True):
    """It is done, and there is nothing else to say."""
