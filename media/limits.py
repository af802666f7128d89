# SPDX-License-Identifier: Apache-2.0
"""How many files the process may have open."""

import resource
from typing import Final

from switchroom.media.config import MediaConfig

_SPARE_FILES: Final = 1_024


def raise_file_limit(config: MediaConfig) -> None:
    """Each session has two sockets, each prompt is kept in up to two codecs beside PCM."""
    needed = 2 * config.max_sessions * config.shards + 3 * config.max_prompts + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
