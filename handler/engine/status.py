"""What can become of a step."""

from __future__ import annotations

from enum import Enum


class ConduitStatus(Enum):
    """The outcome of a step: a name for people, a number for programs. Both are a contract; neither ever changes."""

    NONE = -1
    """Not executed yet; every new step starts here."""
    DONE = 0
    """Executed without any error."""
    SKIPPED = 100
    """Not executed because an earlier step failed."""
    UNHANDLED_EXCEPTION = 101
    """The block raised an error that no other status names."""
    BLOCK_NOT_FOUND = 102
    """There is no such block."""
    INVALID_ARGUMENT = 103
    """The block raised ``ValueError``, or a tag in the parameters points to nothing."""
    DUPLICATE_STEP_IDS = 104
    """An earlier step has this id."""
    FORBIDDEN_BLOCK = 105
    """The job lacks a tag that the block requires."""
    ASSERTION_ERROR = 106
    """The block raised ``AssertionError``."""
    INVALID_TYPE = 107
    """The arguments do not fit the block's signature."""
    STEP_LIMIT_EXCEED = 108
    """The job has more steps than its step limit, and this is one of those past it."""
    BLOCK_LIMIT_EXCEED = 109
    """The block was used more often than its limit allows, and this is one of the uses past it."""
    IF_CONDITION_FAILED = 110
    """The step's ``if`` was not true. Not a failure: the job goes on."""
    TIME_LIMIT_EXCEED = 111
    """The step ran past its time limit, or killed its invocation too often."""
    RESULT_LIMIT_EXCEED = 112
    """The result cannot be kept: it is not JSON, or is over a size limit."""
    CANCELLED = 113
    """The job was cancelled before this step ran."""
    INTERRUPTED = 114
    """An at-most-once block had started when its invocation died, so it is not run again."""
    ITEMS_FAILED = 115
    """More items of a loop failed than it tolerates."""
    REJECTED = 116
    """The answer that the step waited for was no."""
    CALL_FAILED = 117
    """An outside service could not be reached, or said to try again. Another try may help."""
    CALL_REFUSED = 118
    """An outside service gave an unexpected answer, or the call is not allowed. Another try does not help."""


NO_FAILURE = frozenset({ConduitStatus.NONE, ConduitStatus.DONE, ConduitStatus.IF_CONDITION_FAILED})
"""Statuses that do not fail a job."""
UNEVENTFUL = frozenset(
    status.name for status in (ConduitStatus.DONE, ConduitStatus.SKIPPED, ConduitStatus.IF_CONDITION_FAILED)
)
"""Names of the statuses of steps that ended without a failure of their own."""
