# SPDX-License-Identifier: Apache-2.0
"""Build the compiled part of switchroom: every .pyx under the package becomes one extension module.

What a module needs beside its own .pyx (C files, libraries, flags) stands in `# distutils:` lines at its top, so this
file does not list the modules; a line `# folders:` names those of which it takes all C files. `SWITCHROOM_BUILD`
chooses the kind of build: `release` (the default), `debug` (checks and line tracing), `asan` or `tsan`.
"""

import os
import re
from glob import glob
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

KIND = os.environ.get("SWITCHROOM_BUILD", "release")
COMPILE = {
    "release": ["-O3", "-DNDEBUG"],
    "debug": ["-O0", "-g", "-DCYTHON_TRACE_NOGIL=1"],
    # Python's own flags make signed overflow wrap; here it is to be found.
    "asan": ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-wrapv"],
    "tsan": ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=thread"],
}[KIND]
LINK = [flag for flag in COMPILE if flag.startswith("-fsanitize")]
CHECKED = KIND != "release"


def extension(source: str) -> Extension:
    """One module from one .pyx, named after its place under src/."""
    name = source.removeprefix("src/").removesuffix(".pyx").replace("/", ".")
    folders = re.search(r"^# folders: (.+)$", Path(source).read_text(encoding="utf-8"), re.MULTILINE)
    places = [f"src/switchroom/{folder}" for folder in folders[1].split()] if folders else []
    return Extension(
        name,
        [source, *[path for place in places for path in sorted(glob(f"{place}/*.c"))]],
        depends=[path for place in places for path in sorted(glob(f"{place}/*.h"))],
        include_dirs=["src/switchroom/ext", "src"],
        extra_compile_args=["-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-parameter", *COMPILE],
        extra_link_args=LINK,
    )


setup(
    ext_modules=cythonize(
        [extension(source) for source in sorted(glob("src/switchroom/**/*.pyx", recursive=True))],
        include_path=["src"],
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": CHECKED,
            "wraparound": CHECKED,
            "initializedcheck": CHECKED,
            "cdivision": True,
            "embedsignature": True,
            "linetrace": KIND == "debug",
        },
    ),
)
