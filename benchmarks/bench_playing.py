# SPDX-License-Identifier: Apache-2.0
"""CPU of a leg that is played a prompt or held with music, by codec: with the sound as PCM, and encoded once for all.

The shard runs on a clock of its own and sends into memory, so the figures are those of playing alone, without sockets.

    python -m benchmarks.bench_playing [--legs 200] [--seconds 20]
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "ext"))

from plane_rig import Rig
from sound_measures import NAMES, PLACES, speech

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.media.prompts import Pcm, encode_prompt, load_prompt


def cpu_ms_per_s(name: str, legs: int, seconds: int, encoded: bool) -> float:
    """Of one leg, in a second of playing."""
    rig = Rig(codecs=NAMES, max_legs=legs, ports=(20_000, 20_000 + 4 * legs))
    rate = Codec(registry.capsule(name)).sample_rate_hz
    sound = np.clip(speech(10.2), -32_768, 32_767).astype(np.int16)[:: 16_000 // rate]
    prompt = load_prompt((Pcm(sound.tobytes(), rate),), rate)
    rig.load(0, prompt)
    if encoded:
        rig.load(0, encode_prompt(prompt, name), PLACES[name][1])
    for index in range(legs):
        leg, _ = rig.party((f"10.{index >> 8}.{index & 255}.1", 4000), send=PLACES[name], receive=(PLACES[name],))
        rig.play(leg, 0, loop=1)
    rig.run(100)
    rig.shard.sent()
    began = time.thread_time()
    spent = 0.0
    for _ in range(seconds * 10):
        for _ in range(20):
            rig.step(5_000_000)
        spent += time.thread_time() - began
        rig.shard.sent()  # the memory that it sends into is emptied, which is not its work
        began = time.thread_time()
    rig.close()
    return spent * 1000 / seconds / legs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--legs", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    for name in NAMES:
        pcm, once = (cpu_ms_per_s(name, options.legs, options.seconds, encoded) for encoded in (False, True))
        row = {"codec": name, "pcm_ms_per_s": round(pcm, 4), "encoded_ms_per_s": round(once, 4)}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
