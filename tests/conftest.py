# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all tests."""

from tests.postgres import postgres

__all__ = ["postgres"]
