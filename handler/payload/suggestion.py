"""Did you mean …? The nearest name to one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Final

LONGEST_NAME: Final = 64
MOST_NAMES: Final = 500
ROOM: Final = 500_000
"""Pairs of characters that one job's suggestions may compare: users choose how many names there are and how long."""


class Suggestions:
    """Suggests names as long as it is worth the time: a tenth of a second for one job, whatever its names are.

    Args:
        room: pairs of characters that it may compare; after that it has nothing to say.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room

    def nearest(self, name: str, known: Iterable[str]) -> str | None:
        """The known name that is nearest, or `None` where none is near. Case does not count."""
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
        """``" Did you mean …?"``, or ``""`` where no known name is near."""
        meant = self.nearest(name, known)
        return f" Did you mean {meant}?" if meant else ""
