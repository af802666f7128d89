# SPDX-License-Identifier: Apache-2.0
"""What calls and the call centre refuse, as errors of the operators' interface."""

from collections.abc import Iterator
from contextlib import contextmanager

from switchroom.pbx.acd.errors import AcdError
from switchroom.pbx.control import CallError
from switchroom.pbx.rpc.errors import refused
from switchroom.pbx.storage.base import StoreError


@contextmanager
def refusals() -> Iterator[None]:
    """Within it they become RpcErrors with the same status and reason."""
    try:
        yield
    except (AcdError, CallError) as error:
        raise refused(error.status, str(error)) from error
    except StoreError as error:
        raise refused(503, "the store cannot be read") from error
