# SPDX-License-Identifier: Apache-2.0
"""A small attendant: whoever dials 8000 hears a tone, dials a number of four digits, and is connected.

python examples/attendant.py        then register a phone as 1001 with the password pw1001, and call 8000
"""

from pathlib import Path

from switchroom import Call, CallError, Server

server = Server(Path(__file__).parent / "office.toml")


@server.route("8000")
async def attendant(call: Call) -> None:
    """Ask for a number, three times at most."""
    await call.answer()
    for _ in range(3):
        await call.play("tone:440", until_digit=True)
        number = await call.collect(4)
        try:
            outcome = await call.dial(f"user:{number}")
        except CallError:
            continue
        if outcome.leg is not None:
            break
    await call.hangup()


if __name__ == "__main__":
    server.run()
