"""How many calls of the table a run may make, and whether a commit needs two of them or has to do with one.

The promise: at most ``3 + 2 * ceil(duration / flush_interval)``, and two for each step with an effect. A commit is two
calls, the records and then JOB; a transaction is one, and costs twice the write units. So commits are made in the
ordinary way while that fits, which slow effects always do, and as a transaction where it does not: in a burst of short
steps with and without effects.
"""

from __future__ import annotations

import math
from typing import Final

from infra.items import BATCH_ITEMS

_BASE: Final = 3
_EACH: Final = 2
"""Calls for each interval begun, and for each step with an effect."""
END: Final = 2
"""Kept back while the job goes on: one for the commit of its end, one to clear what was published."""
CLEAR: Final = 1
"""Kept back by the commit of the end."""


def commit_calls(records: int) -> int:
    """Calls of an ordinary commit of so many new records, a payload included."""
    return math.ceil(records / BATCH_ITEMS) + 1


class CallBudget:
    """The calls of one run.

    Args:
        began: when the run began, in seconds since the epoch.
        interval: seconds after which records are flushed.
    """

    def __init__(self, began: float, interval: float) -> None:
        self._began = began
        self._interval = interval
        self._spent = 0
        self._effects = 0

    def begin_effect(self) -> None:
        """Another step with an effect is about to begin."""
        self._effects += 1

    def spend(self, calls: int) -> None:
        self._spent += calls

    def allows(self, calls: int, now: float, *, keep: int) -> bool:
        """Whether so many calls can be made now and `keep` be kept back."""
        if not self._interval:
            return True  # a run that flushes after every step has no budget of calls
        intervals = max(1, math.ceil((now - self._began) / self._interval))  # no run takes no time at all
        return self._spent + calls + keep <= _BASE + _EACH * (intervals + self._effects)
