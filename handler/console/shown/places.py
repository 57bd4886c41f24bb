"""Finds the line and column of each value of a JSON text, by JSON pointer."""

from __future__ import annotations

import re
from contextlib import suppress
from json.decoder import scanstring  # type: ignore[attr-defined]  # public, and not in the stub
from typing import Final

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_SCALAR: Final = re.compile(r'[^\s,\]}:"]+')
Place = tuple[int, int]
"""Line and column, from 1."""


def find_places(text: str) -> dict[str, Place]:
    """The place of each value, by its JSON pointer. A member of an object has the place of its key.

    Args:
        text: a JSON text. If it is malformed, only the places before the error are found.
    """
    places: dict[str, int] = {}
    with suppress(ValueError, IndexError, RecursionError):  # the parser reports the error
        _Scanner(text, places).value(0, "")
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return _to_lines(places, starts)


class _Scanner:
    def __init__(self, text: str, places: dict[str, int]) -> None:
        self._text = text
        self._places = places

    def value(self, at: int, pointer: str) -> int:
        """Note the place of the value at offset `at`; return the offset at which it ends."""
        at = self._skip(at)
        self._places.setdefault(pointer, at)
        if self._text[at] == "{":
            return self._object(at + 1, pointer)
        if self._text[at] == "[":
            return self._list(at + 1, pointer)
        if self._text[at] == '"':
            end: int = scanstring(self._text, at + 1, True)[1]  # its signature
            return end
        match = _SCALAR.match(self._text, at)
        if match is None:
            raise ValueError(at)
        return match.end()

    def _object(self, at: int, pointer: str) -> int:
        at = self._skip(at)
        while self._text[at] != "}":
            key, end = scanstring(self._text, at + 1, True)  # its signature
            inner = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            self._places.setdefault(inner, at)
            at = self._skip(self.value(self._skip(end) + 1, inner))
            at = self._next(at)
        return at + 1

    def _list(self, at: int, pointer: str) -> int:
        at, index = self._skip(at), 0
        while self._text[at] != "]":
            at = self._next(self._skip(self.value(at, f"{pointer}/{index}")))
            index += 1
        return at + 1

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _next(self, at: int) -> int:
        return self._skip(at + 1) if self._text[at] == "," else at


def _to_lines(places: dict[str, int], starts: list[int]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    line = 0
    for pointer, offset in sorted(places.items(), key=lambda pair: pair[1]):
        while line + 1 < len(starts) and starts[line + 1] <= offset:
            line += 1
        found[pointer] = (line + 1, offset - starts[line] + 1)
    return found
