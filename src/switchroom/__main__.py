# SPDX-License-Identifier: Apache-2.0
"""`python -m switchroom` and the `switchroom` command."""

import sys

from switchroom.pbx.cli import main

if __name__ == "__main__":
    sys.exit(main())
