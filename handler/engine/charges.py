"""Charges for the values of tags, expressions and results, by the costs of `blocks.charges`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from blocks.charges import cost_of_integer, cost_of_text

Charge = Callable[[int], None]
"""Called with a number of bytes before they are built; raises if they are too many."""

WORD: Final = 1 << 63
"""Integers between this and its negative need no check of their size."""
SMALL: Final = 1 << 30
MINUS_SMALL: Final = -SMALL
"""Integers between these two are one digit of CPython's, which compares them without a call. They cost nothing more."""
TINY: Final = 32
"""Characters up to which a string costs no more than its tag, as most results do."""


def charged(value: Any, charge: Charge) -> Any:
    """Charge a string or an integer, and return it unchanged."""
    if type(value) is str:
        charge(cost_of_text(value))
    elif not -WORD < value < WORD:
        charge(cost_of_integer(value))
    return value
