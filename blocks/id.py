"""ID: blocks that make random identifiers and numbers.

They cannot be guessed: they come from the system's source of random bytes. The step's record keeps the result, so a job
that continues in another process sees the same one.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Final

from blocks.block import Call, Category

category = Category("ID", effect="none")

Entropy = Callable[[int], bytes]
"""Returns that many random bytes."""

COST: Final = 8
"""The cost of a character while it is drawn: random bytes, and its place in a list."""
SPARE: Final = 8
"""Random bytes beyond those that a number needs: with them, small numbers are more likely by at most 2**-64."""


@category.block
def uuid(entropy__: Entropy, /) -> str:
    """Return a random UUID (version 4): `{}` gives something like `"9b2f0c8e-4d53-4a86-b0f4-0e6a1f3f7c11"`."""
    from uuid import UUID  # noqa: PLC0415  # few jobs need it

    return str(UUID(bytes=entropy__(16), version=4))


@category.block
def random(
    entropy__: Entropy, call__: Call, /, *, length: int, alphabet: str = string.ascii_letters + string.digits
) -> str:
    """Return a string of `length` random characters of the alphabet, by default letters and digits.

    A length below 1 and an empty alphabet are INVALID_ARGUMENT. A character that is twice in the alphabet is drawn
    twice as often. `{"length": 6, "alphabet": "0123456789"}` gives something like `"407713"`.
    """
    if length < 1 or not alphabet:
        raise ValueError("`length` is 1 or more, and `alphabet` has one character or more")
    call__.charge(length, COST * length * (1 if alphabet.isascii() else 4))
    size = (len(alphabet).bit_length() + 7) // 8 + SPARE
    data = entropy__(size * length)
    draws = (int.from_bytes(data[start : start + size]) for start in range(0, len(data), size))
    return "".join(alphabet[draw % len(alphabet)] for draw in draws)


@category.block
def number(entropy__: Entropy, /, *, low: int, high: int) -> int:
    """Return a random whole number from `low` to `high`, both included, all equally likely.

    A `high` below `low` is INVALID_ARGUMENT. `{"low": 1, "high": 6}` throws a die.
    """
    if high < low:
        raise ValueError(f"`high` is {high}, which is below `low`, {low}")
    count = high - low + 1
    return low + int.from_bytes(entropy__((count.bit_length() + 7) // 8 + SPARE)) % count
