"""The files that announce blocks, and whether one of them has changed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from blocks import discovery

Stamps = dict[str, tuple[int, int]]
"""Of each file: when it was written, and its bytes."""


def block_folders() -> list[Path]:
    """The folder of blocks and those that `CONDUIT_BLOCKS` adds."""
    further = os.environ.get(discovery.VARIABLE, "").split(os.pathsep)
    return [Path(discovery.__file__).parent, *(Path(folder) for folder in further if folder)]


def file_stamps(folders: Iterable[Path]) -> Stamps:
    """What the files of Python in these folders look like now; two that differ mean that one was changed."""
    stamps: Stamps = {}
    for folder in folders:
        for path in folder.rglob("*.py"):
            try:
                found = path.stat()
            except FileNotFoundError:  # an editor replaces it right now
                continue
            stamps[str(path)] = (found.st_mtime_ns, found.st_size)
    return stamps
