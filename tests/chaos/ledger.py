"""The ledger: what really happened, line by line, in a file that no crash and no retry can take back.

Each line is written by one `write` to a file that is opened for appending: of processes that write at once, or die
writing, every line is there whole or not at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "CHAOS_LEDGER"
"""Where worker processes find the file's path: a block has no other way to learn of it."""
WHO: Final = "CHAOS_WHO"
"""This process's name, never used again: the system uses its numbers again."""


def note(what: str, **facts: Any) -> None:
    """Append one line, with this process's name."""
    line = json.dumps({"what": what, "who": os.environ[WHO], **facts}) + "\n"
    file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


class Ledger:
    """Reads the ledger, on and on.

    Args:
        path: the file; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.lines: list[dict[str, Any]] = []

    def follow(self) -> Iterator[dict[str, Any]]:
        """The lines that are new since the last call; `lines` has them all."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file.read().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self.lines.append(json.loads(line))
                yield self.lines[-1]
