"""Parts of the messages of errors that several categories share."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 100
"""Characters of a user's string that a message repeats. A whole one could be as large as the payload."""


def shown(text: str) -> str:
    """Return the beginning of a string, quoted as Python does it."""
    return repr(text[:LONGEST])
