"""Reads the jobs of a command: files with one job each, or a stream with one job per line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from handler.console.errors import InputError
from handler.payload.json_text import InvalidJsonTextError, read

STREAM: Final = "-"
_PLACE: Final = re.compile(r" at line (\d+), column (\d+)\.?$")


class UnreadableError(InputError):
    """A job cannot be read. The message names it and the reason, in one line."""


@dataclass(frozen=True, slots=True)
class JobText:
    """One job as JSON text, with its source."""

    name: str
    """The file, or ``-:<line>``."""
    text: str


def read_jobs(names: Sequence[str], stream: BinaryIO | None = None) -> Iterator[JobText]:
    """Yield the jobs of `names`, in order. All files are read and checked before the first job is yielded.

    Args:
        names: files with one job each; ``-`` for the stream, with one job per line (empty lines are skipped).
        stream: the stream for ``-``; standard input by default.

    Raises:
        UnreadableError: a file is missing, unreadable, or not JSON.
    """
    files = {name: _read_file(name) for name in names if name != STREAM}
    return _give(names, files, stream)


def placed(name: str, message: str) -> str:
    """Put ``file:line:column``, which editors can jump to, before the message of a parser.

    Args:
        name: the file's name, or ``-:<line>`` for a line of the stream.
        message: the parser's message; it may end with the place.
    """
    message = message.removeprefix("the payload: ")
    place = _PLACE.search(message)
    if place is None:
        return f"{name}: {message}"
    where = place[2] if name.startswith(f"{STREAM}:") else f"{place[1]}:{place[2]}"
    return f"{name}:{where}: {message[: place.start()]}."


def _give(names: Sequence[str], files: dict[str, JobText], stream: BinaryIO | None) -> Iterator[JobText]:
    for name in names:
        if name == STREAM:
            yield from _read_lines(stream or sys.stdin.buffer)
        else:
            yield files[name]


def _read_lines(stream: BinaryIO) -> Iterator[JobText]:
    for number, line in enumerate(stream, start=1):
        if line.strip():
            # Bytes that are not UTF-8 are kept unchanged, so that the API refuses them; nothing is replaced silently.
            yield JobText(f"{STREAM}:{number}", line.decode("utf-8", "surrogateescape"))


def _read_file(name: str) -> JobText:
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise UnreadableError(f"{name}: {error.strerror or error}") from None
    try:
        read(content)
    except InvalidJsonTextError as error:
        if error.malformed:
            raise UnreadableError(placed(name, error.problems[0].message)) from None
        # The API refuses JSON that cannot be stored, with its own message.
    return JobText(name, content.decode("utf-8-sig"))
