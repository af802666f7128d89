# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a wish concerning queues and agents."""

from switchroom.pbx.errors import SwitchroomError


class AcdError(SwitchroomError):
    """It cannot be done; the text says why. `status` is the SIP status nearest to it."""

    def __init__(self, reason: str, status: int = 404) -> None:
        super().__init__(reason)
        self.status = status
