"""What strings read as, remembered within a size that is estimated for each of them.

A process that stays warm meets the same workflows again, and a loop the same strings for each of its items. What is
remembered is syntax, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_ENTRY: Final = 300
"""Bytes of an entry beside its string, and of each tag or expression in it."""
_KEY: Final = 70
"""Bytes of a key of a tag's path."""
_TOKEN: Final = 550
"""Bytes that a token of an expression takes once it is compiled: at most one part of the expression begins with it."""
_TOKENS: Final = re.compile(r"\w+|[^\w\s]")
_OPENER: Final = "{= "


def weight_of(text: str) -> int:
    """Bytes that a string takes with what it reads as, from above."""
    weight = len(text) + _ENTRY * (1 + text.count("{")) + _KEY * text.count(".")
    return weight + _TOKEN * count_tokens(text) if _OPENER in text else weight


def count_tokens(text: str) -> int:
    """Words and signs of a string: as many parts as its expressions can have."""
    return sum(1 for _ in _TOKENS.finditer(text))


class Remembered(Generic[T]):
    """Strings and what they read as, up to a size, in two generations.

    When the newer one has reached half of the size, it becomes the older one, and what was the older one is forgotten.
    A string that is asked for again moves into the newer one.

    Args:
        most: bytes that may be remembered.

    Attributes:
        newer: the newer generation; callers that are in a hurry look here first.
    """

    def __init__(self, most: int) -> None:
        self.newer: dict[str, T] = {}
        self._half = most // 2
        self._older: dict[str, T] = {}
        self._weights: dict[str, int] = {}
        self._older_weights: dict[str, int] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes of all that is remembered, as estimated."""
        return self._size + sum(self._older_weights.values())

    def get(self, text: str) -> T | None:
        """What it reads as; ``None`` if that is not remembered."""
        found = self.newer.get(text)
        if found is None and text in self._older:
            found = self._older.pop(text)
            self._put(text, found, self._older_weights.pop(text))
        return found

    def put(self, text: str, found: T, weight: int) -> None:
        """Remember it, unless it takes more than a generation may."""
        if weight <= self._half:
            self._put(text, found, weight)

    def _put(self, text: str, found: T, weight: int) -> None:
        if self._size + weight > self._half:
            # The dictionary itself stays: others hold on to it.
            self._older, self._older_weights = dict(self.newer), self._weights
            self.newer.clear()
            self._weights, self._size = {}, 0
        self.newer[text] = found
        self._weights[text] = weight
        self._size += weight

    def clear(self) -> None:
        """Forget everything."""
        self.newer.clear()
        self._older, self._weights, self._older_weights, self._size = {}, {}, {}, 0


class ReadInRun(Generic[T]):
    """What the strings of one job read as, for one run: each is compiled once, unless together they are too large.

    Args:
        most: bytes that may be remembered; what is beyond is read each time.
        read: reads a string; gives what it reads as, and its weight.
    """

    def __init__(self, most: int, read: Callable[[str], tuple[T, int]]) -> None:
        self._left = most
        self._read = read
        self._known: dict[str, T] = {}

    def get(self, text: str) -> tuple[T, int]:
        """What it reads as, and the tokens that had to be read for that because there is no room to remember them."""
        found = self._known.get(text)
        if found is not None:
            return found, 0
        found, weight = self._read(text)
        if weight > self._left:
            return found, count_tokens(text)
        self._left -= weight
        self._known[text] = found
        return found, 0
