"""``python -m carousel.sandbox``: the sandbox without Django."""

from __future__ import annotations

import sys

from carousel.sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
