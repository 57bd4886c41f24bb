"""What commands write: lines to standard output, complaints to standard error."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable


def write(lines: Iterable[str]) -> None:
    """Lines to standard output, unbuffered: a reader of the pipe may wait for them."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def terminal_width() -> int | None:
    """The columns of the terminal that standard output is; ``None`` where it is a pipe or a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def complain(line: str) -> None:
    """A line to standard error."""
    sys.stderr.write(f"{line}\n")
