"""Functions of regular expressions: `blocks.patterns`, under the limits of the step.

A search takes evaluation steps for the text that it reads, like any function. Its time depends on the pattern, so it
also runs under the step's time limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blocks import patterns
from handler.engine.language.meter import ExpressionError, Meter
from handler.engine.language.string_functions import string


def matches(meter: Meter, s: Any, pattern: Any) -> bool:
    """Return whether the pattern matches anywhere in the string."""
    text, wanted = string(s, "matches"), string(pattern, "matches")
    return bool(_search(meter, text, wanted, lambda: patterns.matches(_Guard(meter), text, wanted)))


def find(meter: Meter, s: Any, pattern: Any) -> str | None:
    """Return the first match, or null."""
    text, wanted = string(s, "find"), string(pattern, "find")
    found = _search(meter, text, wanted, lambda: patterns.find(_Guard(meter), text, wanted))
    return None if found is None else str(found["match"])


def find_all(meter: Meter, s: Any, pattern: Any) -> list[str]:
    """Return all matches, from left to right."""
    text, wanted = string(s, "find_all"), string(pattern, "find_all")
    found: list[str] = _search(meter, text, wanted, lambda: patterns.find_texts(_Guard(meter), text, wanted))
    meter.tick(len(found))
    return found


def sub(meter: Meter, s: Any, pattern: Any, new: Any) -> str:
    """Return the string with all matches replaced."""
    text, wanted, put = string(s, "sub"), string(pattern, "sub"), string(new, "sub")
    return str(_search(meter, text, wanted, lambda: patterns.replace(_Guard(meter), text, wanted, put)))


def _search(meter: Meter, text: str, pattern: str, work: Callable[[], Any]) -> Any:
    meter.tick(10)  # setting the alarm
    meter.read(len(text) + len(pattern))
    try:
        return meter.world.limit(work)
    except ExpressionError:
        raise
    except ValueError as error:
        raise ExpressionError(str(error)) from None


class _Guard:
    """`blocks.patterns.Guard` of an evaluation."""

    __slots__ = ("_meter", "isolate")

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.isolate = meter.world.isolate

    def charge(self, size: int, cost: int | None = None) -> None:
        """Take its evaluation steps and bytes."""
        self._meter.charge(size if cost is None else cost)
