"""The ledger: a record of what really happened, in a file whose lines no crash and no retry can remove.

Each line is written by one `write` to a file that is opened for appending. If processes write at once, or die while
they write, every line is complete or missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "CHAOS_LEDGER"
"""The variable with the file's path: a block has no other way to learn it."""
WHO: Final = "CHAOS_WHO"
"""The variable with this process's name, which is unique; the system reuses process ids."""


def note(what: str, **facts: Any) -> None:
    """Append one line, with this process's name."""
    line = json.dumps({"what": what, "who": os.environ[WHO], **facts}) + "\n"
    file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


class Ledger:
    """Follows the ledger while it grows.

    Args:
        path: the file; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.lines: list[dict[str, Any]] = []

    def follow(self) -> Iterator[dict[str, Any]]:
        """The new lines since the last call; `lines` has all of them."""
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
