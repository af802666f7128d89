# SPDX-License-Identifier: Apache-2.0
"""`make bench`: all benchmarks, one after the other, each with its ratios; the last is the whole server under load.

`bench_relay`, which looks at the media plane alone, needs a rig of its own and says how to run it.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = (
    ("pytest", "-q", "--benchmark-only", "-o", "python_files=bench_*.py", str(HERE / "bench_signalling.py")),
    ("benchmarks.kernels",),
    ("benchmarks.bench_acd",),
    ("benchmarks.bench_g729",),
    ("benchmarks.bench_srtp",),
    ("benchmarks.bench_playing",),
    ("benchmarks.bench_dtmf",),
    ("benchmarks.bench_loss",),
    ("benchmarks.bench_recording",),
    ("benchmarks.bench_lateness",),
    ("benchmarks.load",),
    ("benchmarks.bench_centre", "--seconds", "60"),
)


def main() -> int:
    """Run them all; the exit status is that of the first that failed."""
    failed = 0
    for module, *arguments in COMMANDS:
        print(f"\n== {module} {' '.join(arguments)}", flush=True)
        failed = failed or subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
