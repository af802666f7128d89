# SPDX-License-Identifier: Apache-2.0
"""Offences by source, and the bans that follow from them.

A source's score grows with each offence and shrinks as time goes by. It is first slowed, then banned; the bans of one
source grow longer. Whether a user exists makes no difference to any of it: a challenge that is left unanswered counts
the same for every name. Pure: `clock` is given.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Literal

from switchroom.pbx.config_security import SecurityConfig
from switchroom.pbx.events import AnyRecord, SourceBanned, SourceUnbanned

Range = IPv4Network | IPv6Network
Offence = Literal["wrong password", "unanswered challenge", "unknown number", "scanner"]
MAX_SOURCES: Final = 20_000
MAX_BANS: Final = 50_000
MAX_PENDING: Final = 256
"""Challenges of one source that wait for their answer; more telephones behind one address do not start at once."""
ANSWER_S: Final = 4.0
"""A telephone answers a challenge at once; a lost datagram comes again after 0.5, 1 and 2 s."""
_WEIGHTS: Final[dict[Offence, float]] = {
    "wrong password": 1.0, "unanswered challenge": 1.0, "unknown number": 0.5, "scanner": 5.0,
}  # fmt: skip
_PROVEN: Final = frozenset({"wrong password", "unknown number"})
"""These come with an answer to a challenge of ours, so nobody can commit them in another's name."""


@dataclass(slots=True)
class Ban:
    """One source or network that is not heard."""

    source: Range
    reason: str
    since_s: float
    until_s: float | None
    """None: until somebody lifts it."""
    times: int


@dataclass(slots=True)
class _Source:
    score: float = 0.0
    at_s: float = 0.0
    pending: dict[str, float] = field(default_factory=dict)  # challenged names, the oldest first


class Guard:
    """`block` and `unblock` are told of bans; `registered` says whether telephones are registered from an address.

    Such an address is not banned for what anybody could send in its name (a forged source address of a datagram).
    """

    def __init__(
        self,
        config: SecurityConfig,
        clock: Callable[[], float],
        *,
        exempt: Callable[[str], bool],
        registered: Callable[[str], bool],
        block: Callable[[Range], None],
        unblock: Callable[[Range], None],
        write: Callable[[AnyRecord], object],
    ) -> None:
        self._config = config
        self._clock = clock
        self._exempt = exempt
        self._registered = registered
        self._block = block
        self._unblock = unblock
        self._write = write
        self._sources: dict[Range, _Source] = {}
        self._past: dict[Range, tuple[int, float]] = {}  # how often banned, and until when the last time
        self.bans: dict[Range, Ban] = {}
        self._is_scanner = lru_cache(maxsize=1024)(self._looks_like_a_scanner)

    # ---- what sources do

    def challenged(self, host: str, name: str) -> None:
        """Somebody there was asked for the password of `name`."""
        if self._spared(host):
            return
        source = self._source(host)
        if len(source.pending) < MAX_PENDING:
            source.pending.setdefault(name, self._clock())
        else:
            self.offend(host, "unanswered challenge")
        self._look_at_pending(host, source)

    def accepted(self, host: str, name: str) -> None:
        """Somebody there knew it."""
        if (source := self._sources.get(self._range(host))) is not None:
            source.pending.pop(name, None)

    def wrong(self, host: str, name: str) -> None:
        """Somebody there did not know it."""
        if not self._spared(host):
            self._source(host).pending.pop(name, None)
            self.offend(host, "wrong password")

    def unwanted(self, host: str, agent: str) -> bool:
        """Whether a request of a User-Agent is to be dropped; a scanner's is an offence."""
        if not self._config.enabled or not agent or not self._is_scanner(agent[:200]):
            return False
        if self._exempt(host):
            return False
        self.offend(host, "scanner")
        return True

    def offend(self, host: str, offence: Offence) -> None:
        """Count one offence; the last straw is a ban."""
        if self._spared(host) or (offence not in _PROVEN and self._registered(host)):
            return
        source = self._source(host)
        source.score = self._score(source) + _WEIGHTS[offence]
        source.at_s = self._clock()
        if source.score >= self._config.offences:
            self.ban(self._range(host), offence)

    def delay_s(self, host: str) -> float:
        """How long a refusal to this source is to be held back."""
        source = self._sources.get(self._range(host))
        if source is None or self._score(source) < self._config.slow_after:
            return 0.0
        return self._config.slow_ms / 1000

    # ---- bans

    def ban(self, source: Range, reason: str, for_s: float | None = 0.0) -> Ban:
        """Ban a network. `for_s` 0: as long as its past deserves; None: until it is lifted."""
        config, now = self._config, self._clock()
        times, ended_s = self._past.get(source, (0, 0.0))
        if now - ended_s > config.forget_s:
            times = 0
        if for_s == 0.0:
            for_s = min(config.ban_s * 2 ** min(times, 30), config.max_ban_s)
        until_s = None if for_s is None else now + for_s
        if len(self.bans) >= MAX_BANS and source not in self.bans:
            self._end(next(iter(self.bans)), "expired")
        ban = self.bans[source] = Ban(source, reason, now, until_s, times + 1)
        if len(self._past) >= MAX_BANS:
            self._past.clear()
        self._past[source] = (times + 1, now if until_s is None else until_s)
        self._sources.pop(source, None)
        self._write(SourceBanned(source=str(source), reason=reason, times=times + 1, for_s=for_s))
        self._block(source)
        return ban

    def restore(self, ban: Ban) -> None:
        """A ban of the last run goes on, unless its time is over or its source may not be banned any more."""
        over = ban.until_s is not None and ban.until_s <= self._clock()
        if over or self._spared(str(ban.source.network_address)):
            return
        self.bans[ban.source] = ban
        self._past[ban.source] = (ban.times, ban.since_s if ban.until_s is None else ban.until_s)
        self._block(ban.source)

    def unban(self, source: Range) -> bool:
        """Lift a ban and forget the past of its source; False where there is none."""
        self._past.pop(source, None)
        if source not in self.bans:
            return False
        self._end(source, "operator")
        return True

    def sweep(self) -> None:
        """Lift the bans whose time is over, and forget sources that did nothing of late."""
        now = self._clock()
        for source in [source for source, ban in self.bans.items() if ban.until_s is not None and ban.until_s <= now]:
            self._end(source, "expired")
        for source, record in list(self._sources.items()):
            self._look_at_pending(str(source.network_address), record)
            if not record.pending and self._score(record) <= 0:
                self._sources.pop(source, None)

    # ---- within

    def _end(self, source: Range, why: Literal["expired", "operator"]) -> None:
        del self.bans[source]
        self._unblock(source)
        self._write(SourceUnbanned(source=str(source), reason=why))

    def _spared(self, host: str) -> bool:
        return not self._config.enabled or self._exempt(host)

    def _source(self, host: str) -> _Source:
        key = self._range(host)
        source = self._sources.get(key)
        if source is None:
            if len(self._sources) >= MAX_SOURCES:
                self._sources.pop(next(iter(self._sources)))
            source = self._sources[key] = _Source(at_s=self._clock())
        return source

    def _score(self, source: _Source) -> float:
        config = self._config
        return max(0.0, source.score - (self._clock() - source.at_s) * config.offences / config.window_s)

    def _look_at_pending(self, host: str, source: _Source) -> None:
        """Challenges that are not answered in time are offences."""
        due_s = self._clock() - ANSWER_S
        while source.pending:
            name, at_s = next(iter(source.pending.items()))
            if at_s > due_s:
                break
            del source.pending[name]
            self.offend(host, "unanswered challenge")

    def _looks_like_a_scanner(self, agent: str) -> bool:
        agent = agent.lower()
        return any(part in agent for part in self._config.scanners)

    def _range(self, host: str) -> Range:
        return range_of(host, self._config.prefix4, self._config.prefix6)


@lru_cache(maxsize=16_384)
def range_of(host: str, prefix4: int, prefix6: int) -> Range:
    """The network that an address is banned with."""
    address = ip_address(host)
    return ip_network((address, prefix4 if address.version == 4 else prefix6), strict=False)
