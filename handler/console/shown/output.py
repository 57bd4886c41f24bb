"""Writes the lines of commands: output to standard output, errors to standard error."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable


def write(lines: Iterable[str]) -> None:
    """Write lines to standard output and flush each line, since the reader of a pipe may wait for it."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def terminal_width() -> int | None:
    """The columns of the terminal; ``None`` if standard output is a pipe or a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def complain(line: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{line}\n")
