# SPDX-License-Identifier: Apache-2.0
"""The mutation fuzzer: `python -m tests.fuzz --minutes 10`, from the root of the repository.

It shares its time among the targets and prints what it did. An input that breaks something is kept as a file, with the
traceback; the exit status is then 1. The same seed gives the same inputs.
"""

import argparse
import random
import resource
import sys
import time
import traceback
from pathlib import Path

from tests.fuzz.mutate import mutate
from tests.fuzz.targets import TARGETS, Target


def run(name: str, target: Target, seed: int, seconds: float, slowest_s: float = 1.0) -> tuple[int, float]:
    """Feed a target for some time; how many inputs that were, and the slowest of them in seconds.

    Raises AssertionError for an input that takes longer than `slowest_s` of CPU, and whatever the target raises; the
    input is then in `run.last`.
    """
    rng = random.Random(f"{name}:{seed}")
    count, slowest = 0, 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = run.last = mutate(rng, target.seeds)  # type: ignore[attr-defined]
        began = time.thread_time()
        target.feed(data)
        took = time.thread_time() - began
        assert took < slowest_s, f"one input of {len(data)} bytes took {took:.2f} s"
        slowest = max(slowest, took)
        count += 1
    return count, slowest


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=1.0)
    arguments.add_argument("--target", choices=TARGETS, action="append", help="default: all")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="where inputs that break something go")
    options = arguments.parse_args()
    names = options.target or list(TARGETS)
    failed = False
    for name in names:
        target = TARGETS[name]()
        try:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            count, slowest = run(name, target, options.seed, options.minutes * 60 / len(names))
            left = target.rest()
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            print(
                f"{name}: {count} inputs, slowest {slowest * 1e3:.1f} ms, {left} objects left, peak memory +{grown} kB"
            )
            failed |= left != 0
        except Exception:
            failed = True
            options.keep.mkdir(parents=True, exist_ok=True)
            path = options.keep / f"{name}-{options.seed}.bin"
            path.write_bytes(run.last)  # type: ignore[attr-defined]
            print(f"{name}: broken by {path}\n{traceback.format_exc()}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
