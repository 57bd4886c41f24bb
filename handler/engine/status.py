"""The statuses of a step."""

from __future__ import annotations

from enum import Enum
from typing import Final


class ConduitStatus(Enum):
    """The outcome of a step: a name for people, a number for programs. Both are a contract and never change."""

    NONE = -1
    """Not executed yet; the first status of every step."""
    DONE = 0
    """Executed without an error."""
    SKIPPED = 100
    """Not executed because an earlier step failed."""
    UNHANDLED_EXCEPTION = 101
    """The block raised an error that no other status names."""
    BLOCK_NOT_FOUND = 102
    """There is no such block."""
    INVALID_ARGUMENT = 103
    """The block raised ``ValueError``, or the path of a tag in the parameters does not exist."""
    DUPLICATE_STEP_IDS = 104
    """An earlier step has this id."""
    FORBIDDEN_BLOCK = 105
    """The job lacks a tag that the block requires."""
    ASSERTION_ERROR = 106
    """The block raised ``AssertionError``."""
    INVALID_TYPE = 107
    """The arguments do not fit the block's signature."""
    STEP_LIMIT_EXCEED = 108
    """The step is beyond the limit of steps in a job."""
    BLOCK_LIMIT_EXCEED = 109
    """The step is beyond the limit of uses of its block."""
    IF_CONDITION_FAILED = 110
    """The step's ``if`` was not true. This is not a failure: the job continues."""
    TIME_LIMIT_EXCEED = 111
    """The step exceeded its time limit, or killed its invocation too often."""
    RESULT_LIMIT_EXCEED = 112
    """The result cannot be kept: it is not JSON, or is over a size limit."""
    CANCELLED = 113
    """The job was cancelled before this step ran."""
    INTERRUPTED = 114
    """An at-most-once block had started when its invocation ended, so it is not run again."""
    ITEMS_FAILED = 115
    """More items of a loop failed than it tolerates."""
    REJECTED = 116
    """The step waited for an answer, and the answer was no."""
    CALL_FAILED = 117
    """An external service could not be reached, or asked for another try. Another try may help."""
    CALL_REFUSED = 118
    """An external service gave an unexpected answer, or the call is not allowed. Another try does not help."""


DONE: Final = ConduitStatus.DONE
NONE: Final = ConduitStatus.NONE
"""The two statuses that every step has: reading a member from its enum takes as long as six names, and would be
12 % of the CPU of a job in the engine, 2 % of a recorded one.
"""
NO_FAILURE = frozenset({ConduitStatus.NONE, ConduitStatus.DONE, ConduitStatus.IF_CONDITION_FAILED})
"""Statuses that do not fail a job."""
UNEVENTFUL = frozenset(
    status.name for status in (ConduitStatus.DONE, ConduitStatus.SKIPPED, ConduitStatus.IF_CONDITION_FAILED)
)
"""Names of the statuses of steps that ended without failing."""
