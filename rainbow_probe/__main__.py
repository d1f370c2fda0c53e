"""Let ``python -m rainbow_probe`` do what the ``rainbow-probe`` command does."""

import sys

from rainbow_probe.cli import main

if __name__ == "__main__":
    sys.exit(main())
