"""The limits of a job: the sizes that it may build and store, and the time of a step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PAYLOAD: Final = 256 * 1024
"""The default of the largest job as sent, in bytes."""
STEPS: Final = 1_000
"""The default of the largest number of written steps."""
NESTING: Final = 32
"""The default of the largest number of levels of lists and objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The budgets of a job, in bytes of JSON unless stated otherwise.

    With the defaults, a record stays below DynamoDB's 400 KB for an item, with room for other attributes, and a step
    takes at most some tens of megabytes: a Python object takes about ten times the bytes of its JSON.
    """

    nesting: int = NESTING
    """Levels of lists and dictionaries in a payload, a result or a variable."""
    record: int = 256 * 1024
    """A step's record: its result and the variables that it changed."""
    results: int = 5 * 1024 * 1024
    """All results of a job together."""
    held: int = 7 * 1024 * 1024
    """The cost of all results, by `blocks.charges`: an empty list is three bytes of JSON, and costs eighteen."""
    variables: int = 256 * 1024
    """All variables of a job together."""
    parameters: int = 1024 * 1024
    """The total size to which the tags of one step may expand."""
    items: int = 1_000
    """Items of one loop; a number, not bytes."""
    loop_records: int = 5_000
    """Records inside all loops of a job; a number, not bytes."""


@dataclass(slots=True, kw_only=True)
class InvocationTime:
    """The time of an invocation. It never changes.

    Attributes:
        ends_at: when steps must have stopped, on `Runtime.now`: the invocation's end minus the reserve for writing.
        fresh: seconds that a new invocation would have for steps; decides whether waiting for one helps.
        used: whether other jobs have used a part of the time: then even a job's first step is begun only if it fits.
        shared: returns whether other jobs have used a part of it since.
    """

    ends_at: float
    fresh: float = math.inf
    used: bool = False
    shared: Callable[[], bool] | None = None

    @property
    def is_used(self) -> bool:
        """Whether other jobs have used a part of the time by now."""
        return self.used or (self.shared is not None and self.shared())


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The earliest of a step's limits.

    Attributes:
        seconds: how long the step may run from now; infinite for no limit.
        name: the kind of limit: ``step``, ``block``, ``loop``, ``job_timeout``, ``job`` or ``invocation``.
        path: the path of the loop, for its limit.
    """

    seconds: float
    name: str
    path: str | None = None


def earliest_end(job_ends_at: float | None, invocation: InvocationTime | None) -> tuple[float, str]:
    """When a run must end (infinite for never), apart from the limits of its steps, and the name of that limit."""
    if invocation is not None and (job_ends_at is None or invocation.ends_at < job_ends_at):
        return invocation.ends_at, "invocation"
    return (math.inf, "job") if job_ends_at is None else (job_ends_at, "job")
