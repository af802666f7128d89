# SPDX-License-Identifier: Apache-2.0
"""What loss, bursts and jitter leave of speech: MOS by the E-model, and how far the spectrum is from the original's.

Synthetic speech as PCMU goes through the jitter buffer and its concealment over a seeded network. The distance is the
log-spectral distance in dB over the frames with speech; that with silence in place of what is lost stands beside it.

    python -m benchmarks.bench_loss [--seconds 60]
"""

import argparse
import json

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_dtmf import speech
from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.ext.playout import Playout
from switchroom.media import emodel

FRAME, MS = 160, 1_000_000
BLOCK, MOST_DELAY = 4_000, 2_400
Pcm = NDArray[np.int16]
NETWORKS = {
    "clean": (0.0, 1, 0.0),
    "5 % random": (0.05, 1, 0.0),
    "5 % in bursts of 3": (0.05, 3, 0.0),
    "30 ms jitter": (0.0, 1, 30.0),
    "5 % random, 30 ms jitter": (0.05, 1, 30.0),
    "5 % in bursts of 3, 30 ms jitter": (0.05, 3, 30.0),
}


def losses(count: int, share: float, burst: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    gone = np.zeros(count, bool)
    for at in np.flatnonzero(rng.random(count) < share / burst):
        gone[at : at + burst] = True
    return gone


def receive(
    pcm: Pcm, gone: NDArray[np.bool_], jitter_ms: float, rng: np.random.Generator
) -> tuple[Pcm, dict[str, int]]:
    """What comes out of the jitter buffer; packets are late by up to `jitter_ms`."""
    capsule = registry.capsule("PCMU")
    codec, playout = Codec(capsule), Playout(capsule)
    arrivals = []
    for i in np.flatnonzero(~gone):
        late_ns = int(rng.uniform(0, jitter_ms) * MS)
        payload = bytes(codec.encode(pcm[i * FRAME : (i + 1) * FRAME]))
        arrivals.append((int(i) * 20 * MS + 40 * MS + late_ns, int(i), payload))
    arrivals.sort()
    out, frame, at = [], np.zeros(FRAME, np.int16), 0
    for tick in range(len(gone) + 20):
        now_ns = tick * 20 * MS + 43 * MS
        while at < len(arrivals) and arrivals[at][0] <= now_ns:
            when, i, payload = arrivals[at]
            playout.push(when, i & 0xFFFF, i * FRAME, payload, FRAME)
            at += 1
        playout.frame(now_ns, frame)
        out.append(frame.copy())
    return np.concatenate(out), playout.stats


def spectra(pcm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Levels in dB of 20 bands, a frame of 32 ms each 16 ms."""
    frames = np.lib.stride_tricks.sliding_window_view(pcm, 256)[::128] * np.hanning(256)
    power = np.abs(np.fft.rfft(frames)) ** 2 / 256
    return np.asarray(10 * np.log10(power[:, 1:121].reshape(len(power), 20, 6).mean(axis=2) + 100))


def distance_db(clean: Pcm, heard: Pcm) -> float:
    """Log-spectral distance of frames that hold speech. Each half second is aligned by itself, as the delay changes."""
    total, count, loudest = 0.0, 0, spectra(clean.astype(float)).max()
    padded = np.concatenate([heard, np.zeros(MOST_DELAY + BLOCK, np.int16)]).astype(float)
    for at in range(0, len(clean) - BLOCK + 1, BLOCK):
        block = clean[at : at + BLOCK].astype(float)
        around = padded[at : at + BLOCK + MOST_DELAY]
        match = np.fft.irfft(np.fft.rfft(around, 2 * BLOCK) * np.conj(np.fft.rfft(block, 2 * BLOCK)))[:MOST_DELAY]
        delay = int(match.argmax())
        ours, theirs = spectra(block), spectra(around[delay : delay + BLOCK])
        loud = ours.max(axis=1) > loudest - 40
        total += float(np.sqrt(((theirs - ours) ** 2).mean(axis=1))[loud].sum())
        count += int(loud.sum())
    return total / max(1, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    pcm = speech(options.seconds / 60)
    pcm = pcm[: len(pcm) // FRAME * FRAME]
    codec = Codec(registry.capsule("PCMU"))
    for name, (share, burst, jitter_ms) in NETWORKS.items():
        rng = np.random.default_rng(1)
        gone = losses(len(pcm) // FRAME, share, burst, rng)
        heard, stats = receive(pcm, gone, jitter_ms, rng)
        silent = pcm.copy().reshape(-1, FRAME)
        silent[gone] = 0
        coded = np.frombuffer(bytes(codec.decode(bytes(codec.encode(silent.ravel())))), np.int16)
        loss = (float(gone.sum()) + stats.get("late", 0) + stats.get("discarded", 0)) / len(gone)
        print(
            json.dumps(
                {
                    "network": name,
                    "loss": round(loss, 4),
                    "mos": round(emodel.mos("PCMU", 60 + 2 * jitter_ms, loss, emodel.burst_ratio(loss, burst)), 2),
                    "distance_db": round(distance_db(pcm, heard), 2),
                    "distance_db_of_silence": round(distance_db(pcm, coded), 2),
                    "concealed": round(stats["concealed"] / len(heard), 4),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
