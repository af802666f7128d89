# SPDX-License-Identifier: Apache-2.0
"""Long timers may ring a little late, so that many share one alarm; how late is a share of their length."""

from switchroom.pbx.sip.timers import Timers


class Owner:
    """Sets one alarm, as told, and looks at the clock only then."""

    def __init__(self) -> None:
        self.now = 0.0
        self.alarms: list[float] = []
        self.rung: list[tuple[str, float]] = []
        self.timers = Timers(lambda: self.now, self.alarms.append, slack=1 / 64)

    def start(self, name: str, delay_s: float) -> None:
        self.timers.start(delay_s, lambda _: self.rung.append((name, self.now)))

    def wait(self) -> None:
        self.now = self.alarms[-1]
        self.timers.run()


def test_timers_of_half_a_second_ring_at_one_alarm() -> None:
    owner = Owner()
    for i in range(10):
        owner.now = i * 0.05
        owner.start(str(i), 32.0)
    assert owner.alarms == [32.5]
    owner.wait()
    assert owner.rung == [(str(i), 32.5) for i in range(10)]


def test_a_short_timer_is_hardly_late_and_waits_for_no_long_one() -> None:
    owner = Owner()
    owner.start("long", 32.0)
    owner.start("short", 0.5)
    owner.wait()
    assert owner.rung == [("short", 0.5078125)]
    owner.wait()
    assert owner.rung[1] == ("long", 32.5)


def test_no_timer_is_later_than_half_a_second_and_none_early() -> None:
    owner = Owner()
    owner.start("hour", 3600.0)
    assert owner.alarms == [3600.5]
    owner.now = 3599.9
    owner.timers.run()
    assert owner.rung == []
