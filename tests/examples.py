"""The part of long tests that runs in the suite: a quarter of the examples of a property, a share of some cases.

`make properties` runs everything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

Case = TypeVar("Case")
ALL = bool(os.environ.get("ALL_EXAMPLES"))


def examples(most: int) -> int:
    """The number of examples for a property.

    Args:
        most: the number in `make properties`.
    """
    return most if ALL else max(1, most // 4)


def share(cases: Sequence[Case], one_in: int, first: int = 0) -> Sequence[Case]:
    """The cases for a test marked `share`: one in `one_in` in the suite, all of them in `make properties`.

    Args:
        cases: all of them.
        one_in: the suite takes one case in this many.
        first: the index of the first, so that two tests of the same cases can take different ones.
    """
    return cases if ALL else cases[first::one_in]
