"""Finds the files that define blocks and notices when one changes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from blocks import discovery

Stamps = dict[str, tuple[int, int]]
"""By file: the time of its last change in nanoseconds, and its size in bytes."""


def block_folders() -> list[Path]:
    """The folder of built-in blocks and the folders named by `CONDUIT_BLOCKS`."""
    further = os.environ.get(discovery.VARIABLE, "").split(os.pathsep)
    return [Path(discovery.__file__).parent, *(Path(folder) for folder in further if folder)]


def file_stamps(folders: Iterable[Path]) -> Stamps:
    """The stamps of all Python files in these folders. If a later call returns other stamps, a file has changed."""
    stamps: Stamps = {}
    for folder in folders:
        for path in folder.rglob("*.py"):
            try:
                found = path.stat()
            except FileNotFoundError:  # an editor is replacing it
                continue
            stamps[str(path)] = (found.st_mtime_ns, found.st_size)
    return stamps
