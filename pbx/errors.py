# SPDX-License-Identifier: Apache-2.0
"""The root of the exchange's errors."""


class SwitchroomError(Exception):
    """Anything that the exchange itself raises; the text is fit for the log and for an operator."""
