"""A cache of parsed strings, bounded by the estimated size of its entries.

A warm process runs the same workflows again, and a loop reads the same strings for each item. The cache
holds syntax, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_ENTRY: Final = 300
"""Bytes of an entry without its string, and of each tag or expression in it."""
_KEY: Final = 70
"""Bytes of a key of a tag's path."""
_TOKEN: Final = 550
"""Bytes of a token of a compiled expression: at most one part of the expression begins with each token."""
_TOKENS: Final = re.compile(r"\w+|[^\w\s]")
_OPENER: Final = "{= "


def weight_of(text: str) -> int:
    """Return an upper bound of the bytes of a string and its parsed form."""
    weight = len(text) + _ENTRY * (1 + text.count("{")) + _KEY * text.count(".")
    return weight + _TOKEN * count_tokens(text) if _OPENER in text else weight


def count_tokens(text: str) -> int:
    """Return the number of words and signs in a string: its expressions have no more parts."""
    return sum(1 for _ in _TOKENS.finditer(text))


class Remembered(Generic[T]):
    """Strings and their parsed forms, up to a size, in two generations.

    When the newer generation reaches half of the size, it becomes the older one, and the previous older one is dropped.
    A string that is read again moves into the newer one.

    Args:
        most: bytes that the cache may hold.

    Attributes:
        newer: the newer generation; fast paths look here first.
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
        """The estimated bytes of all entries."""
        return self._size + sum(self._older_weights.values())

    def get(self, text: str) -> T | None:
        """Return the parsed form of a string, or ``None`` if it is not in the cache."""
        found = self.newer.get(text)
        if found is None and text in self._older:
            found = self._older.pop(text)
            self._put(text, found, self._older_weights.pop(text))
        return found

    def put(self, text: str, found: T, weight: int) -> None:
        """Add an entry, unless it is larger than a generation may be."""
        if weight <= self._half:
            self._put(text, found, weight)

    def _put(self, text: str, found: T, weight: int) -> None:
        if self._size + weight > self._half:
            # The dictionary itself stays: other modules hold a reference to it.
            self._older, self._older_weights = dict(self.newer), self._weights
            self.newer.clear()
            self._weights, self._size = {}, 0
        self.newer[text] = found
        self._weights[text] = weight
        self._size += weight


class ReadInRun(Generic[T]):
    """The parsed strings of one job during one run: each is compiled once, unless they are too large together.

    Args:
        most: bytes that it may hold; further strings are read each time.
        read: reads a string; returns its parsed form and its weight.
    """

    def __init__(self, most: int, read: Callable[[str], tuple[T, int]]) -> None:
        self._left = most
        self._read = read
        self._known: dict[str, T] = {}

    def get(self, text: str) -> tuple[T, int]:
        """Return the parsed form, and how many tokens were read again because there is no room to keep them."""
        found = self._known.get(text)
        if found is not None:
            return found, 0
        found, weight = self._read(text)
        if weight > self._left:
            return found, count_tokens(text)
        self._left -= weight
        self._known[text] = found
        return found, 0
