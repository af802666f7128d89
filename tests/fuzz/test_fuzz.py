# SPDX-License-Identifier: Apache-2.0
"""A second of fuzzing per target in each test run; `python -m tests.fuzz --minutes 10` goes on for longer."""

import random

import pytest

from tests.fuzz.mutate import mutate
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_bounded_number_of_mutations(name: str) -> None:
    target = TARGETS[name]()
    for seed in target.seeds:
        target.feed(seed)
    rng = random.Random(name)
    for _ in range(1_000):
        target.feed(mutate(rng, target.seeds))
    assert target.rest() == 0


def test_mutations_repeat() -> None:
    seeds = [b"INVITE sip:a@b SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n", b"v=0\r\n"]
    runs = [[mutate(rng, seeds) for _ in range(200)] for rng in (random.Random(3), random.Random(3))]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 150
