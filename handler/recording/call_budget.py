"""Counts a run's calls of the table, and decides whether a commit may take two calls or must be one transaction.

The guarantee: at most ``3 + 2 * ceil(duration / flush_interval)`` calls, and two for each step with an effect. An
ordinary commit takes two calls, the records and then JOB; a transaction takes one, and costs twice the write units. So
commits are ordinary if the guarantee allows it (as for slow effects), and transactions otherwise (in a burst of short
steps with and without effects).
"""

from __future__ import annotations

import math
from typing import Final

from infra.table.items import BATCH_ITEMS

_BASE: Final = 3
_EACH: Final = 2
"""The calls allowed for each flush interval that has begun, and for each step with an effect."""
END: Final = 2
"""Calls reserved until the job's end: one for the commit of the end, one to write `published`."""
CLEAR: Final = 1
"""Calls reserved at the commit of the end: one to write `published`."""


def commit_calls(records: int) -> int:
    """The calls of an ordinary commit with this many new items, a payload included."""
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
        """Note that another step with an effect is about to begin."""
        self._effects += 1

    def spend(self, calls: int) -> None:
        self._spent += calls

    def allows(self, calls: int, now: float, *, keep: int) -> bool:
        """Whether `calls` calls may be made now so that `keep` calls are left."""
        if not self._interval:
            return True  # a run that flushes after every step has no budget of calls
        intervals = max(1, math.ceil((now - self._began) / self._interval))  # every run takes some time
        return self._spent + calls + keep <= _BASE + _EACH * (intervals + self._effects)
