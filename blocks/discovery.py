"""The files that announce blocks: of this folder and of installed packages; some are imported at their first use.

Announcing a block takes a tenth of a millisecond of a worker's cold start. So a file whose blocks few jobs use is
imported when a job names one of them, or when all blocks are listed.
See docs/decisions/012-blocks-that-wait.md.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Final

ENTRY_POINT_GROUP: Final = "conduit.blocks"
"""The entry points of packages with blocks; each names a module to import."""
VARIABLE: Final = "CONDUIT_BLOCKS"
"""Folders with further blocks, separated as in ``PATH``. A build for Lambda copies their files into this folder."""

_LATER: Final = {
    "aws": "AWS.CALL",
    "csv": "CSV.PARSE CSV.TEXT",
    "encode": "ENCODE.BASE64 ENCODE.DECODE_BASE64 ENCODE.DECODE_URL ENCODE.HTML ENCODE.URL",
    "hash": "HASH.DIGEST HASH.HMAC",
    "http": "HTTP.GET HTTP.REQUEST",
    "id": "ID.NUMBER ID.RANDOM ID.UUID",
    "json": "JSON.PARSE JSON.TEXT",
    "lists_of_objects": "LISTS.FILTER LISTS.GROUP_BY LISTS.INDEX_BY LISTS.PLUCK LISTS.SORT_BY LISTS.UNIQUE",
    "patterns": "",  # announces no block; others import it
    "regex": "REGEX.FIND REGEX.FIND_ALL REGEX.MATCH REGEX.REPLACE REGEX.SPLIT",
    "time": "TIME.ADD TIME.DIFF TIME.FORMAT TIME.NEXT TIME.NOW TIME.PARSE TIME.START_OF",
    "url": "URL.BUILD URL.PARSE",
}
LATER: Final = {action: f"blocks.{file}" for file, actions in _LATER.items() for action in actions.split()}
"""The module to import at a block's first use, by the block's action."""


class BlockFolderError(Exception):
    """A folder of blocks is not usable. The message names it and the reason."""


def load_installed() -> None:
    """Import the files that announce blocks: those of this folder (except those that wait for their first use), of the
    folders in ``CONDUIT_BLOCKS``, and of installed packages.

    Raises:
        BlockFolderError: a folder is missing, or a file of it has the name of another file of blocks.
    """
    package = importlib.import_module(__package__ or "blocks")
    for folder in os.environ.get(VARIABLE, "").split(os.pathsep):
        if folder:
            add_folder(package, Path(folder))
    for module in pkgutil.iter_modules(package.__path__):
        if module.name not in _LATER:
            importlib.import_module(f"{package.__name__}.{module.name}")
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        entry_point.load()


def add_folder(package: ModuleType, folder: Path) -> None:
    """Make the files of `folder` modules of `package`, with the same names as in a build for Lambda.

    Raises:
        BlockFolderError: see `load_installed`.
    """
    path = str(folder.resolve())
    if path in package.__path__:
        return
    if not folder.is_dir():
        raise BlockFolderError(f"{VARIABLE}: {str(folder)!r} is not a folder.")
    taken = {module.name for module in pkgutil.iter_modules(package.__path__)}
    if both := sorted(taken & {module.name for module in pkgutil.iter_modules([path])}):
        raise BlockFolderError(f"{VARIABLE}: {folder / both[0]}.py has the name of another file of blocks; rename one.")
    package.__path__.append(path)
