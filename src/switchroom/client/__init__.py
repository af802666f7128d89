# SPDX-License-Identifier: Apache-2.0
"""A typed client of the operators' interface.

    async with Client("http://127.0.0.1:8080/rpc", token) as exchange:
        call = await exchange.calls_originate(from_="1001", to="9000")
        async for event in exchange.events(after=0):
            print(event.number, event.record)

Methods and types are made from the exchange's own OpenRPC document (`python -m switchroom.client.generate`).
"""

from switchroom.client.connection import Event, Gap, Refused
from switchroom.client.methods import Client

__all__ = ["Client", "Event", "Gap", "Refused"]
