# SPDX-License-Identifier: Apache-2.0
"""Staffing by queueing theory: Erlang C (callers wait for ever) and Erlang A (they give up after a while).

Calls arrive as a Poisson stream, talk times are exponential, all agents are alike. Sources: A. K. Erlang (1917) for B
and C, C. Palm (1957) for the queue with impatient callers (M/M/c+M), here by its birth and death rates.
"""

import math

import msgspec

MAX_AGENTS = 20_000


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What comes in. `patience_s`, the mean time after which a waiting caller gives up, is infinite for Erlang C."""

    calls_per_hour: float
    handle_s: float
    """Mean talk and wrap-up time."""
    patience_s: float = math.inf

    def __post_init__(self) -> None:
        if not (self.calls_per_hour >= 0 and self.handle_s > 0 and self.patience_s > 0):
            raise ValueError("calls_per_hour must not be negative, handle_s and patience_s must be above 0")

    @property
    def erlangs(self) -> float:
        """The agents that would be busy if there were enough of them."""
        return self.calls_per_hour * self.handle_s / 3600


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What callers find. Shares are 0 to 1."""

    agents: int
    waits: float
    """Share of the callers who are not answered at once."""
    within: float
    """Share of all callers who are answered within the threshold."""
    asa_s: float
    """Mean wait of those who are answered; infinite when the queue only grows."""
    abandons: float
    occupancy: float


def erlang_b(erlangs: float, agents: int) -> float:
    """Share of calls that find all lines busy where nobody waits: also how trunks are dimensioned."""
    blocked = 1.0
    for line in range(1, agents + 1):
        blocked = erlangs * blocked / (line + erlangs * blocked)
    return blocked


def service(load: Load, agents: int, threshold_s: float = 20.0) -> Service:
    """What `agents` agents give. Raises ValueError for a number of agents that makes no sense."""
    if not 1 <= agents <= MAX_AGENTS:
        raise ValueError(f"agents: 1 to {MAX_AGENTS}")
    if math.isinf(load.patience_s):
        return _erlang_c(load, agents, threshold_s)
    return _erlang_a(load, agents, threshold_s)


def agents_needed(load: Load, target: float = 0.8, threshold_s: float = 20.0) -> int:
    """The fewest agents with whom a share of `target` of the callers is answered within the threshold."""
    if not 0 < target < 1:
        raise ValueError("target lies between 0 and 1")
    low, high = 0, 1
    while service(load, high, threshold_s).within < target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if service(load, middle, threshold_s).within < target:
            low = middle
        else:
            high = middle
    return high


def _erlang_c(load: Load, agents: int, threshold_s: float) -> Service:
    erlangs = load.erlangs
    if erlangs >= agents:
        return Service(agents=agents, waits=1.0, within=0.0, asa_s=math.inf, abandons=0.0, occupancy=1.0)
    blocked = erlang_b(erlangs, agents)
    waits = blocked / (1 - erlangs / agents * (1 - blocked))
    spare = (agents - erlangs) / load.handle_s
    return Service(
        agents=agents,
        waits=waits,
        within=1 - waits * math.exp(-spare * threshold_s),
        asa_s=waits / spare,
        abandons=0.0,
        occupancy=erlangs / agents,
    )


def _erlang_a(load: Load, agents: int, threshold_s: float) -> Service:
    """Who finds `queue` others waiting is served after their departures and one more: a sum of exponential times with
    the rates `serve + i * leave`, which is -ln(Beta(serve / leave, queue + 1)) / leave."""
    arrive, leave = load.calls_per_hour / 3600, 1 / load.patience_s
    serve = agents / load.handle_s
    beta, edge = serve / leave, math.exp(-leave * threshold_s)
    blocked = erlang_b(load.erlangs, agents)
    weight, total, queued = 1.0, 1.0, 0.0  # relative to the state "all busy, nobody waits"
    served, served_soon, waited = beta / (beta + 1), _soon(beta, 1, edge), _mean_wait(beta, 1, leave)
    queue = 0
    while weight > 1e-12 * total:
        queue += 1
        weight *= arrive / (serve + queue * leave)
        total += weight
        queued += weight * queue
        served += weight * beta / (beta + queue + 1)
        served_soon += weight * _soon(beta, queue + 1, edge)
        waited += weight * _mean_wait(beta, queue + 1, leave)
    at_once = (1 - blocked) / blocked if blocked else math.inf  # all states with a free agent, on the same scale
    if math.isinf(at_once):
        return Service(agents=agents, waits=0.0, within=1.0, asa_s=0.0, abandons=0.0, occupancy=0.0)
    everyone = at_once + total
    abandons = leave * queued / everyone / arrive
    return Service(
        agents=agents,
        waits=total / everyone,
        within=(at_once + served_soon) / everyone,
        asa_s=waited / (at_once + served),
        abandons=abandons,
        occupancy=load.erlangs * (1 - abandons) / agents,
    )


def _soon(beta: float, queue: int, edge: float) -> float:
    """Chance to be served, and within the threshold: E[B; B >= edge] for B of the law Beta(beta, queue)."""
    return beta / (beta + queue) * (1 - _incomplete_beta(edge, beta + 1, queue))


def _mean_wait(beta: float, queue: int, leave: float) -> float:
    """E[wait; served] = E[-ln(B) B] / leave = the mean of B times a difference of digamma functions."""
    harmonic = sum(1 / (beta + 1 + i) for i in range(queue))
    return beta / (beta + queue) * harmonic / leave


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by Lentz's continued fraction (Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(1 - x, b, a) / b
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + step * d) or 1e-300)
            c = (1 + step / c) or 1e-300
            value *= c * d
        if abs(c * d - 1) < 1e-13:
            break
    return value
