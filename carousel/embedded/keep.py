"""Starts a keeper: `python keep.py DATA`.

A script, so that the keeper does not load the product: importing the package `carousel` the usual
way brings Celery and Django along, a third of a second and 60 MB that it has no use for.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path


def bare_package(name: str, folder: Path) -> None:
    """Let `name` be a package that holds the modules in `folder` and runs no code of its own."""
    package = types.ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package


if __name__ == "__main__":
    bare_package("carousel", Path(__file__).resolve().parents[1])
    importlib.import_module("carousel.embedded.keeper").main(Path(sys.argv[1]))
