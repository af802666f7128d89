# SPDX-License-Identifier: Apache-2.0
"""What all records of the journal have in common."""

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type", omit_defaults=True):
    """The base of all records; concrete ones carry their tag as `type` in JSON."""
