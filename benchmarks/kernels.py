# SPDX-License-Identifier: Apache-2.0
"""What the kernels of ext/kernels cost: `python -m benchmarks.kernels` compiles them with kernels.c, prints ns a call.

The best of several rounds is printed: the machine's noise only ever adds.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = sorted((ROOT / "ext" / "kernels").glob("*.c"))


def main() -> int:
    """Compile, run, print; the exit code is that of the first that fails."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        print("no C compiler: set CC", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "kernels"
        sources = [str(ROOT / "benchmarks" / "kernels.c"), *map(str, KERNELS)]
        flags = ["-std=gnu11", "-O3", "-DNDEBUG", "-I", str(ROOT / "ext"), "-o", str(program)]
        built = subprocess.run([compiler, *flags, *sources, "-lm", "-lpthread"], check=False)
        return built.returncode or subprocess.run([program, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
