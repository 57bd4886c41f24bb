"""Did you mean …? The known name nearest to an unknown one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Final

LONGEST_NAME: Final = 64
MOST_NAMES: Final = 500
ROOM: Final = 500_000
"""The most pairs of characters to compare for one job: users choose the number and length of the names."""


class Suggestions:
    """Suggests names within a budget: a tenth of a second for one job.

    Args:
        room: the most pairs of characters to compare; after them, there are no more suggestions.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room

    def nearest(self, name: str, known: Iterable[str]) -> str | None:
        """Return the nearest known name, or `None` if no name is near. Case does not count."""
        if self._room <= 0 or not name or len(name) > LONGEST_NAME:
            return None
        names = {other.upper(): other for other in islice(known, MOST_NAMES) if len(other) <= LONGEST_NAME}
        cost = len(name) * sum(map(len, names))
        self._room -= cost
        if self._room < 0:
            return None
        close = get_close_matches(name.upper(), names, n=1)
        return names[close[0]] if close else None

    def suggest(self, name: str, known: Iterable[str]) -> str:
        """Return ``" Did you mean …?"``, or ``""`` if no known name is near."""
        meant = self.nearest(name, known)
        return f" Did you mean {meant}?" if meant else ""
