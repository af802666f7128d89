# SPDX-License-Identifier: Apache-2.0
"""What G.729 costs: `python -m benchmarks.bench_g729 [SPEECH.raw]` prints CPU time a frame and channels a core.

Every variant of our codec and Debian's libbcg729 (`apt-get install libbcg729-dev`; left out where it is missing) work
in turn on the same 60 s: speech with the voice activity detection off, then speech with pauses and the detection on.
The speech is a file of 16 bit samples at 8 kHz, or comes from espeak-ng. Read the ratios: times are this machine's.
"""

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
CODEC = ROOT / "codecs" / "g729"
SOURCES = [CODEC / f"{name}.c" for name in ("variant_c", "variant_sse41", "variant_avx2", "dispatch", "tables")]
RATE = 8000
SECONDS = 60
TEXT = (
    "The exchange answers each call in turn, and tells the caller how long the queue is. Please hold the line: an "
    "agent will be with you shortly. Seventy two percent of callers wait less than twenty seconds; the others hear "
    "music, or leave their number and are called back in the same order. Numbers are given by voice or by the keys. "
)
FRAMES_PER_SECOND = 100


def spoken(voice: str, pitch: int) -> NDArray[np.float64]:
    """A sentence from espeak-ng at 8 kHz."""
    command = ["espeak-ng", "-v", voice, "-p", str(pitch), "--stdout", TEXT]
    with wave.open(io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout)) as file:
        rate, samples = file.getframerate(), np.frombuffer(file.readframes(1 << 30), "<i2").astype(float)
    taps = np.arange(-40, 41)
    lowpass = np.sinc(taps * 7200 / rate) * np.hamming(81)
    smooth = np.convolve(samples, lowpass / lowpass.sum(), "same")
    return np.interp(np.arange(0, len(smooth), rate / RATE), np.arange(len(smooth)), smooth)


def speech(path: Path | None) -> NDArray[np.float64]:
    """60 s of speech."""
    if path is not None:
        samples = np.fromfile(path, "<i2").astype(float)
    elif shutil.which("espeak-ng"):
        samples = np.concatenate([spoken("en-us", 40), spoken("de", 60), spoken("en-gb", 75), spoken("fr", 30)])
    else:
        raise SystemExit("no speech: name a file of 16 bit samples at 8 kHz, or install espeak-ng")
    return np.resize(samples, SECONDS * RATE)


def to_pcm(samples: NDArray[np.float64], noise: float) -> bytes:
    """16 bit samples with a little background noise."""
    background = np.random.default_rng(1).normal(0, noise, len(samples))
    return np.clip(samples + background, -32768, 32767).astype("<i2").tobytes()


def compare(program: Path, pcm: bytes, annex_b: bool, rounds: int) -> dict[str, tuple[float, float]]:
    """us a frame to encode and to decode, by codec."""
    file = program.parent / "speech.raw"
    file.write_bytes(pcm)
    command = [str(program), str(file), str(int(annex_b)), str(rounds)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
    rows = (line.split() for line in lines if line)
    return {name: (float(encode) / 1000, float(decode) / 1000) for name, encode, decode in rows}


def report(title: str, costs: dict[str, tuple[float, float]]) -> float:
    """Print one table; returns the ratio of our fastest to the peer, or 0 without a peer."""
    peer = costs.get("libbcg729")
    print(f"\n{title}\n{'codec':12}{'encode':>10}{'decode':>10}{'both':>10}{'channels':>10}{'ratio':>8}")
    for name, (encode, decode) in costs.items():
        both = encode + decode
        ratio = f"{sum(peer) / both:8.2f}" if peer else f"{'-':>8}"
        channels = 1e6 / FRAMES_PER_SECOND / both
        print(f"{name:12}{encode:8.2f}us{decode:8.2f}us{both:8.2f}us{channels:10.0f}{ratio}")
    best = min(sum(cost) for name, cost in costs.items() if name != "libbcg729")
    return sum(peer) / best if peer else 0.0


def main() -> int:
    """Build, run, print; with --least the exit code tells whether the ratios reach it."""
    parser = argparse.ArgumentParser(description="CPU time of G.729, ours and libbcg729's.")
    parser.add_argument("speech", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--least", type=float, default=0.0, help="fail when a ratio is below this")
    options = parser.parse_args()
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        print("no C compiler: set CC", file=sys.stderr)
        return 2
    samples = speech(options.speech)
    pauses = np.where(np.arange(len(samples)) % (7 * RATE) < 4 * RATE, samples, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "compare"
        sources = [str(ROOT / "benchmarks" / "g729" / "compare.c"), *map(str, SOURCES)]
        flags = ["-std=gnu11", "-O3", "-DNDEBUG", "-fPIC", "-I", str(CODEC), "-o", str(program)]
        subprocess.run([compiler, *flags, *sources, "-ldl"], check=True)
        one = report("speech, VAD off", compare(program, to_pcm(samples, 20), False, options.rounds))
        two = report("4 s of speech, 3 s of pause, VAD on", compare(program, to_pcm(pauses, 8), True, options.rounds))
    if one:
        print(f"\nour fastest does {one:.2f} and {two:.2f} times the channels of libbcg729")
    return int(bool(options.least) and min(one, two) < options.least)


if __name__ == "__main__":
    sys.exit(main())
