# SPDX-License-Identifier: Apache-2.0
"""Try IVR flows with made-up callers, thousands of times faster than life and the same way each time.

    from switchroom.testing import Bench

    def test_sales():
        bench = Bench.of_file("flows/main.toml")
        caller = bench.call()
        caller.hears("welcome").press("1").expects_queue("sales").hangs_up()

Each line waits, in virtual time, until what it says has happened, and fails with what happened instead. In pytest,
`pytest_plugins = ["switchroom.testing.plugin"]` gives the fixture `bench`, and the coverage of steps.
"""

from switchroom.testing.bench import Bench
from switchroom.testing.caller import Caller
from switchroom.testing.coverage import Coverage

__all__ = ["Bench", "Caller", "Coverage"]
