# SPDX-License-Identifier: Apache-2.0
"""What a routing decision costs, and how that grows: `python -m benchmarks.bench_acd`.

Two moments are timed, each with everything that follows it in the scheduler, its journal records included: an agent
becomes free while thousands wait (it gets the first of all its queues), and a caller comes while thousands are idle (it
gets the first of the queue's agents). Every agent serves ten queues. Times are CPU
time of the thread.
"""

import gc
import random
import statistics
import time

from switchroom.pbx.acd.config import AgentConfig, QueueConfig
from switchroom.pbx.acd.scheduler import Scheduler
from switchroom.pbx.events import AnyRecord

SIZES = ((100, 10, 50), (1_000, 100, 500), (10_000, 1_000, 5_000), (10_000, 10, 5_000))
ROUNDS = 1_000
QUEUES_OF_AN_AGENT = 10


def drop(record: AnyRecord) -> None:
    """A journal that costs nothing."""


def settle() -> None:
    """What is there stays: the collector need not look at it again and again, as in the server."""
    gc.collect()
    gc.freeze()


def centre(agents: int, queues: int, seed: int = 1) -> tuple[Scheduler, random.Random]:
    chance = random.Random(seed)
    scheduler = Scheduler(drop, chance.randrange)
    names = [f"q{number}" for number in range(queues)]
    for name in names:
        scheduler.put_queue(name, QueueConfig(wrap_up_s=0, max_waiting=100_000, ring_s=15))
    for number in range(agents):
        served = chance.sample(names, min(QUEUES_OF_AN_AGENT, queues))
        scheduler.put_agent(AgentConfig(name=f"a{number}", queues=dict.fromkeys(served, 1)))
    return scheduler, chance


def agent_free(agents: int, queues: int, waiting: int) -> list[float]:
    """Seconds for each time that an agent ended a call and was offered the next of those who wait."""
    scheduler, chance = centre(agents, queues)
    now = 0.0
    for number in range(agents):
        scheduler.set_status(now, f"a{number}", "available")
    for number in range(agents + waiting):
        now += 0.01
        scheduler.enter(now, str(number), f"q{chance.randrange(queues)}", priority=chance.randrange(3))
        scheduler.step(now)
        for offer in list(scheduler.offers.values()):
            scheduler.answered(now, offer.number, offer.agents[0])
    talking = [call for call, caller in scheduler.callers.items() if caller.agent]
    settle()
    taken = []
    for number in range(ROUNDS):
        now += 0.01
        call = talking.pop(chance.randrange(len(talking)))
        began = time.thread_time()
        scheduler.finished(now, call)
        scheduler.step(now)
        taken.append(time.thread_time() - began)
        for offer in list(scheduler.offers.values()):
            scheduler.answered(now, offer.number, offer.agents[0])
            talking.append(offer.caller.call)
        scheduler.enter(now, f"n{number}", f"q{chance.randrange(queues)}")
        scheduler.step(now)
    return taken


def caller_comes(agents: int, queues: int, waiting: int) -> list[float]:
    """Seconds for each caller who came and was offered to one of the idle agents."""
    scheduler, chance = centre(agents, queues)
    now = 0.0
    for number in range(agents):
        now += 0.01
        scheduler.set_status(now, f"a{number}", "available")
        scheduler.step(now)
    settle()
    taken = []
    for number in range(ROUNDS):
        now += 0.01
        queue = f"q{chance.randrange(queues)}"
        began = time.thread_time()
        scheduler.enter(now, str(number), queue)
        scheduler.step(now)
        taken.append(time.thread_time() - began)
        for offer in list(scheduler.offers.values()):
            scheduler.answered(now, offer.number, offer.agents[0])
        if number > 50:
            scheduler.finished(now, str(number - 50))
            scheduler.step(now)
    return taken


def main() -> None:
    print(f"{'agents':>8}{'queues':>8}{'waiting':>9}   {'agent free, us':>22}   {'caller comes, us':>22}")
    print(f"{'':>25}   {'median':>10}{'99 %':>12}   {'median':>10}{'99 %':>12}")
    for size in SIZES:
        cells = []
        for taken in (agent_free(*size), caller_comes(*size)):
            microseconds = sorted(1e6 * seconds for seconds in taken)
            cells.append(f"{statistics.median(microseconds):>10.1f}{microseconds[-len(microseconds) // 100]:>12.1f}")
        print("".join(f"{part:>8}" for part in size[:2]) + f"{size[2]:>9}   " + "   ".join(cells), flush=True)


if __name__ == "__main__":
    main()
