"""Charges for the values that tags, expressions and results hand on, by the costs of `blocks.charges`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from blocks.charges import cost_of_integer, cost_of_text

Charge = Callable[[int], None]
"""Called with the bytes that are about to be built; raises if they are too many."""

WORD: Final = 1 << 63
LEAST: Final = -WORD
SMALL: Final = 1 << 30
MINUS_SMALL: Final = -SMALL
"""Integers between these two are one digit of CPython's, which compares them without a call. They cost nothing more."""
TINY: Final = 32
"""Characters of a string that costs nothing more than its tag: most results are no longer."""


def charged(value: Any, charge: Charge) -> Any:
    """Charge a string or an integer, and return it unchanged."""
    if type(value) is str:
        charge(cost_of_text(value))
    elif not LEAST < value < WORD:
        charge(cost_of_integer(value))
    return value
