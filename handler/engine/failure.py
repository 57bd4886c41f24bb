"""Why a step did not end DONE."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from blocks.block import Block, BudgetExceededError, CallFailedError, CallRefusedError
from handler.engine.limits import TimeLimit
from handler.engine.status import ConduitStatus
from handler.engine.values import UnstorableValueError, keep, size_of_error

LONGEST_MESSAGE: Final = 2_000
"""Characters of an error's message that are kept; a longer one says how long it was."""

LARGEST_ERROR: Final = 4 * 1024
"""Bytes of a step's error as JSON."""
MOST_DETAILS: Final = 20
"""Wrong arguments that are named one by one."""
LONGEST_NAME: Final = 100
"""Characters that are repeated of a name that a user chose."""
OUT_OF_MEMORY: Final = "there is not enough memory for what the step builds"
_LEAST_MESSAGE: Final = 200
_LARGEST_DETAILS: Final = 64 * 1024
_DEEPEST_DETAILS: Final = 8
"""Levels of lists and dictionaries in what a block says about a failed call."""

LOOP_TIMEOUT: Final = "LoopTimeout"
JOB_TIMEOUT: Final = "JobTimeout"
"""The error's type of a step that was stopped by the time limit of a loop around it, or by that of its job."""

CALLBACK_TIMEOUT: Final = "CallbackTimeout"
"""The error's type of a step that nobody answered in time."""
REJECTED: Final = "Rejected"
"""The error's type of a step whose answer was no."""
NO_REASON: Final = "the answer was no, without a reason"

_STATUS_MESSAGES: Final = {
    ConduitStatus.BLOCK_NOT_FOUND: "there is no such block",
    ConduitStatus.DUPLICATE_STEP_IDS: "an earlier step has this id",
    ConduitStatus.FORBIDDEN_BLOCK: "the job lacks a tag that the block requires",
    ConduitStatus.STEP_LIMIT_EXCEED: "the job has more steps than it may have",
    ConduitStatus.BLOCK_LIMIT_EXCEED: "the job uses this block more often than it may",
    ConduitStatus.TIME_LIMIT_EXCEED: "the step ended its invocation too often",
    ConduitStatus.CANCELLED: "the job was cancelled before this step ran",
    ConduitStatus.INTERRUPTED: "the block had started when its invocation died; it is never run twice",
}

_LIMIT_NAMES: Final = {
    "step": "the step's own time limit (`timeout`)",
    "block": "the block's time limit",
    "job": "the time limit of the whole job",
    "invocation": "the end of the invocation",
    "loop": "the time limit (`timeout`) of a loop around it",
    "job_timeout": "the job's own time limit (`timeout`)",
}
_LIMIT_KINDS: Final = {"loop": LOOP_TIMEOUT, "job_timeout": JOB_TIMEOUT}


class Failure(Exception):  # noqa: N818  # control flow, not a bug
    """A step's outcome other than DONE.

    Attributes:
        status: the status that the step gets.
        message: why, for the user.
        error: the exception that the block raised, if one did.
        details: one entry a wrong argument, for INVALID_TYPE; what the block said about a call that failed.
        retry_after: seconds that must pass before the next try; 0 for any time.
        kind: the error's type, where neither the exception nor the status names it.
        path: the step that the error is about, where it is not the one that has it.
    """

    kind: str | None = None
    path: str | None = None

    def __init__(
        self,
        status: ConduitStatus,
        message: str,
        error: BaseException | None = None,
        details: list[dict[str, Any]] | dict[str, Any] | None = None,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.error = error
        self.details = details
        self.retry_after = retry_after

    @classmethod
    def of_error(cls, status: ConduitStatus, error: BaseException) -> Failure:
        return cls(status, message_of(error), error)

    @classmethod
    def of_status(cls, status: ConduitStatus) -> Failure:
        """A failure that needs no further word than its status."""
        return cls(status, _STATUS_MESSAGES.get(status, status.name))

    @classmethod
    def of_limit(cls, limit: TimeLimit, ran: float) -> Failure:
        """TIME_LIMIT_EXCEED, saying whose limit it was and how long the step ran."""
        name = _LIMIT_NAMES[limit.name]
        message = f"stopped after {ran:.3f} s by {name}: {limit.seconds:.3f} s were left"
        failure = cls(ConduitStatus.TIME_LIMIT_EXCEED, message if ran > 0 else f"not started: {name} had passed")
        failure.kind = _LIMIT_KINDS.get(limit.name)
        failure.path = limit.path
        return failure

    def describe(self) -> dict[str, Any]:
        """The step's ``error``: type, message, and details where there are some."""
        kind = self.kind or (type(self.error).__name__ if self.error is not None else self.status.name)
        described: dict[str, Any] = {"type": kind[:LONGEST_NAME], "message": _shorten(self.message, LONGEST_MESSAGE)}
        if self.path is not None:
            described["path"] = self.path
        if self.details is not None:
            described["details"] = self.details
        return described if size_of_error(described) <= LARGEST_ERROR else self._fit(described)

    def _fit(self, error: dict[str, Any]) -> dict[str, Any]:
        """The error in 4 KB: details go from their end, then the message does."""
        error["message"] = _shorten(self.message, LONGEST_MESSAGE // 2)
        details = error.get("details")
        if isinstance(details, list):
            details = error["details"] = list(details)
            while details and size_of_error(error) > LARGEST_ERROR:
                details.pop()
        elif isinstance(details, dict):
            error["details"] = details = {
                name[:LONGEST_NAME]: _shorten(value, LONGEST_MESSAGE // 2) if isinstance(value, str) else value
                for name, value in details.items()
            }
            for name in sorted(details, key=lambda name: -size_of_error({name: details[name]})):
                if size_of_error(error) <= LARGEST_ERROR:
                    break
                del details[name]
        if not details:
            error.pop("details", None)
        room = LONGEST_MESSAGE // 2
        while size_of_error(error) > LARGEST_ERROR and room > _LEAST_MESSAGE:
            room //= 2
            error["message"] = _shorten(self.message, room)
        return error

    def release(self) -> BaseException | None:
        """The block's exception, without what its traceback holds: each frame keeps the arguments of its call.

        Nor does it keep more of a long message than the step's error does, or what it was raised in place of: a job may
        have a thousand of them.
        """
        error = self.error
        while error is not None and error.__traceback__ is not None:
            error.__traceback__ = None
            _shorten_arguments(error)
            if error.__suppress_context__:
                error.__context__ = None
            error = error.__cause__ or error.__context__
        return self.error


_SECOND_LOOPS: Final = ("asyncio.run() cannot be called", "Cannot run the event loop while another loop is running")
"""What Python says to a plain block that starts an event loop: it is called in the thread of the job's own."""
_USE_ASYNC_DEF: Final = "a job runs in an event loop already; make the block `async def` and await in it"


def failure_of(error: BaseException) -> Failure:
    """The failure that a block's exception means."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, BudgetExceededError):
        return Failure.of_error(ConduitStatus.RESULT_LIMIT_EXCEED, error)
    if isinstance(error, CallFailedError):
        wait = _seconds(error.retry_after)
        return Failure(ConduitStatus.CALL_FAILED, message_of(error), error, _kept(error.details), wait)
    if isinstance(error, CallRefusedError):
        return Failure(ConduitStatus.CALL_REFUSED, message_of(error), error, _kept(error.details))
    if isinstance(error, AssertionError):
        return Failure.of_error(ConduitStatus.ASSERTION_ERROR, error)
    if isinstance(error, ValueError):
        return Failure.of_error(ConduitStatus.INVALID_ARGUMENT, error)
    failure = Failure.of_error(ConduitStatus.UNHANDLED_EXCEPTION, error)
    if isinstance(error, RuntimeError) and failure.message.startswith(_SECOND_LOOPS):
        failure.message = f"{failure.message}: {_USE_ASYNC_DEF}"
    return failure


def _kept(details: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a block says about a call, as JSON; nothing if it is not JSON."""
    try:
        kept: dict[str, Any] | None = None
        if details is not None:
            kept = keep(dict(details), _DEEPEST_DETAILS, _LARGEST_DETAILS)[0]
    except (UnstorableValueError, TypeError, ValueError):  # a slip of the block's must not hide that the call failed
        return None
    return kept


def _seconds(retry_after: object) -> float:
    """A wait that a block asked for; 0 for anything but a positive number."""
    if isinstance(retry_after, (int, float)) and not isinstance(retry_after, bool) and isfinite(retry_after):
        return max(0.0, float(retry_after))
    return 0.0


def ends_the_run(error: BaseException) -> bool:
    """Whether what an awaited block raised, if not at its limit, comes from outside: the run is cancelled or closed.

    Only an awaiting coroutine can be recognized; out of a plain function everything is the block's own doing.
    """
    if isinstance(error, Exception):
        return False
    if isinstance(error, asyncio.CancelledError):
        task = _running_task()
        return task is not None and task.cancelling() > 0
    if isinstance(error, GeneratorExit):
        return _running_task() is None  # a coroutine is closed when nothing runs it any more; else the block raised it
    return not isinstance(error, (SystemExit, KeyboardInterrupt))


def _running_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # driven by hand, without asyncio
        return None


def refused_arguments(block: Block[..., Any], error: ValidationError) -> Failure:
    """INVALID_TYPE with one detail a wrong argument; the values themselves are not repeated."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    count = len(found)
    details = [
        {
            "parameter": shorten_name(".".join(str(part)[: LONGEST_NAME + 1] for part in wrong["loc"])),
            "code": shorten_name(wrong["type"]),
            "message": shorten_name(wrong["msg"], 2 * LONGEST_NAME),
        }
        for wrong in found[:MOST_DETAILS]
    ]
    summary = "; ".join(f"{detail['parameter']}: {detail['message']}" for detail in details[:5])
    more = f"; and {count - 5} more" if count > 5 else ""  # noqa: PLR2004  # as many as are shown
    message = f"the arguments do not fit {block.action}: {summary}{more}"
    return Failure(ConduitStatus.INVALID_TYPE, message, _without_input(error.title, details), details)


def _without_input(title: str, details: list[dict[str, Any]]) -> ValidationError:
    """The same error, which does not keep the arguments alive for as long as the job lasts."""
    lines: list[Any] = [
        {"type": PydanticCustomError("wrong", "{message}", detail), "loc": (detail["parameter"],), "input": None}
        for detail in details
    ]
    return ValidationError.from_exception_data(title, lines)


def message_of(error: BaseException) -> str:
    """What an exception says. `KeyError` puts its message in quotes; an exception without words is named."""
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return error.args[0] or "KeyError"
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001  # a broken __str__ of a foreign exception must not become the step's outcome
        return type(error).__name__


def _shorten_arguments(error: BaseException) -> None:
    if any(type(part) is str and len(part) > LONGEST_MESSAGE for part in error.args):
        with suppress(AttributeError):  # a class of someone's own may have arguments that cannot be set
            error.args = tuple(_shorten(part, LONGEST_MESSAGE) if type(part) is str else part for part in error.args)


def shorten_name(name: str, longest: int = LONGEST_NAME) -> str:
    """The beginning of what a user wrote, long enough to know it by."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _shorten(message: str, longest: int) -> str:
    count = len(message)
    clean = message[:longest].encode("utf-8", "replace").decode()
    return clean if count <= longest else f"{clean}… ({count:,} characters in all)"
