"""Did you mean …? The nearest names to one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Final

LONGEST_NAME: Final = 64
MOST_NAMES: Final = 500
"""Names that are compared. Comparing costs by the product of lengths and numbers, and users choose both."""


class Suggestions:
    """Suggests names, as long as it is worth the time.

    Args:
        room: how often it may be asked; after that it has nothing to say.
    """

    def __init__(self, room: int = 50) -> None:
        self._room = room

    def suggest(self, name: str, known: Iterable[str]) -> str:
        """``" Did you mean …?"``, or ``""`` where no known name is near."""
        if self._room <= 0 or not name or len(name) > LONGEST_NAME:
            return ""
        self._room -= 1
        names = {other.upper(): other for other in islice(known, MOST_NAMES) if len(other) <= LONGEST_NAME}
        close = get_close_matches(name.upper(), names, n=1)
        return f" Did you mean {names[close[0]]}?" if close else ""
