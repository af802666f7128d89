# SPDX-License-Identifier: Apache-2.0
from typing_extensions import CapsuleType

L16_8000: CapsuleType
L16_16000: CapsuleType
L16_44100: CapsuleType
