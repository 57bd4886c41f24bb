"""Where the jobs of a command line come from: files with one job each, or a stream with one job a line."""

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
    """A job cannot be read. The message is one line: which, and why."""


@dataclass(frozen=True, slots=True)
class JobText:
    """One job as it was written, and where."""

    name: str
    """The file, or ``-:<line>``."""
    text: str


def read_jobs(names: Sequence[str], stream: BinaryIO | None = None) -> Iterator[JobText]:
    """The jobs of `names`, in their order. Every file is read and checked before the first job is given.

    Args:
        names: files with one job each; ``-`` for the stream, with one job a line (empty lines are passed over).
        stream: what ``-`` reads; standard input by default.

    Raises:
        UnreadableError: a file is missing, cannot be read, or holds no JSON.
    """
    files = {name: _read_file(name) for name in names if name != STREAM}
    return _give(names, files, stream)


def placed(name: str, message: str) -> str:
    """What is wrong with a text, behind its place in the form that editors follow: ``file:line:column``.

    Args:
        name: of the file; that of a line of the stream ends in its number.
        message: of a parser, which may end in the place.
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
            # What is no UTF-8 stays recognisable, so that the API refuses it and nothing is replaced in silence.
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
        # JSON that cannot be kept is the API's to refuse, in its own words.
    return JobText(name, content.decode("utf-8-sig"))
