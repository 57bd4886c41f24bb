"""Numbers in expressions."""

from __future__ import annotations

import re
from typing import Final

_BEGIN: Final = re.compile(r"(?<![\w.\])])(?:[0-9]|\.[0-9])")
_NUMBER: Final = re.compile(
    r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?"
)
_BEHIND: Final = re.compile(r"[\w.]")


def find_bad_number(text: str) -> int | None:
    """The place of an invalid number in a masked expression, such as ``1if`` or ``1.2.3``."""
    for begin in _BEGIN.finditer(text):
        number = _NUMBER.match(text, begin.start())
        if number is None or _BEHIND.match(text, number.end()):
            return begin.start()
    return None
