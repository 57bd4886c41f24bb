"""The failures of steps: every outcome other than DONE."""

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
"""The longest kept message of an error, in characters; a shortened message states its original length."""

LARGEST_ERROR: Final = 4 * 1024
"""The largest error of a step, in bytes of JSON."""
MOST_DETAILS: Final = 20
"""The largest number of wrong arguments that are listed."""
LONGEST_NAME: Final = 100
"""The most characters of a user's name that are quoted."""
OUT_OF_MEMORY: Final = "there is not enough memory for the values of the step"
_LEAST_MESSAGE: Final = 200
_LARGEST_DETAILS: Final = 64 * 1024
_DEEPEST_DETAILS: Final = 8
"""The most levels of lists and dictionaries in a block's details of a failed call."""

LOOP_TIMEOUT: Final = "LoopTimeout"
JOB_TIMEOUT: Final = "JobTimeout"
"""The error types of a step that the time limit of a loop around it, or of its job, has stopped."""

CALLBACK_TIMEOUT: Final = "CallbackTimeout"
"""The error type of a step that was not answered in time."""
REJECTED: Final = "Rejected"
"""The error type of a step whose answer was no."""
NO_REASON: Final = "the answer was no, without a reason"

_STATUS_MESSAGES: Final = {
    ConduitStatus.BLOCK_NOT_FOUND: "there is no such block",
    ConduitStatus.DUPLICATE_STEP_IDS: "an earlier step has this id",
    ConduitStatus.FORBIDDEN_BLOCK: "the job lacks a tag that the block requires",
    ConduitStatus.STEP_LIMIT_EXCEED: "the job has more steps than allowed",
    ConduitStatus.BLOCK_LIMIT_EXCEED: "the job uses this block more often than allowed",
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
        message: the reason, for the user.
        error: the exception of the block, if it raised one.
        details: for INVALID_TYPE, one entry for each wrong argument; for a failed call, the block's details.
        retry_after: the seconds before the next try that the service asked for; 0 for none.
        kind: the error type, if it is neither that of the exception nor the status.
        path: the step that caused the error, if it is another step.
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
        """A failure with the standard message of its status."""
        return cls(status, _STATUS_MESSAGES.get(status, status.name))

    @classmethod
    def of_limit(cls, limit: TimeLimit, ran: float) -> Failure:
        """TIME_LIMIT_EXCEED with the limit and the time that the step ran."""
        name = _LIMIT_NAMES[limit.name]
        message = f"stopped after {ran:.3f} s by {name}: {limit.seconds:.3f} s were left"
        failure = cls(ConduitStatus.TIME_LIMIT_EXCEED, message if ran > 0 else f"not started: {name} had passed")
        failure.kind = _LIMIT_KINDS.get(limit.name)
        failure.path = limit.path
        return failure

    def describe(self) -> dict[str, Any]:
        """The step's ``error``: type, message and, if there are any, details."""
        kind = self.kind or (type(self.error).__name__ if self.error is not None else self.status.name)
        described: dict[str, Any] = {"type": kind[:LONGEST_NAME], "message": _shorten(self.message, LONGEST_MESSAGE)}
        if self.path is not None:
            described["path"] = self.path
        if self.details is not None:
            described["details"] = self.details
        return described if size_of_error(described) <= LARGEST_ERROR else self._fit(described)

    def _fit(self, error: dict[str, Any]) -> dict[str, Any]:
        """Shorten an error to 4 KB: first the last details are dropped, then the message is cut."""
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
        """Drop all large objects to which the block's exception refers: a job may keep a thousand exceptions.

        Its traceback goes, whose frames hold the arguments of their calls; a long message is shortened as in the step's
        error; an exception that it suppresses goes. The failure's own traceback goes too: a frame in it refers to the
        failure, so the step's arguments would live until the garbage collector ran.
        """
        self.__traceback__ = self.__context__ = None
        error = self.error
        while error is not None and error.__traceback__ is not None:
            error.__traceback__ = None
            _shorten_arguments(error)
            if error.__suppress_context__:
                error.__context__ = None
            error = error.__cause__ or error.__context__
        return self.error


_SECOND_LOOPS: Final = ("asyncio.run() cannot be called", "Cannot run the event loop while another loop is running")
"""Python's messages for a plain block that starts an event loop in the thread of the job's loop."""
_USE_ASYNC_DEF: Final = "a job runs in an event loop already; make the block `async def` and await in it"


def failure_of(error: BaseException) -> Failure:
    """The failure for a block's exception."""
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
    """A block's details of a call, as JSON; ``None`` if they are not JSON."""
    try:
        kept: dict[str, Any] | None = None
        if details is not None:
            kept = keep(dict(details), _DEEPEST_DETAILS, _LARGEST_DETAILS)[0]
    except (UnstorableValueError, TypeError, ValueError):  # invalid details must not hide the failed call
        return None
    return kept


def _seconds(retry_after: object) -> float:
    """The seconds for which a block asks to wait; 0 for anything but a positive number."""
    if isinstance(retry_after, (int, float)) and not isinstance(retry_after, bool) and isfinite(retry_after):
        return max(0.0, float(retry_after))
    return 0.0


def ends_the_run(error: BaseException) -> bool:
    """Whether an error of an awaited block comes from outside: the run is being cancelled or closed.

    This can be recognised only for an awaiting coroutine; all errors of a plain function are its own.
    """
    if isinstance(error, Exception):
        return False
    if isinstance(error, asyncio.CancelledError):
        task = _running_task()
        return task is not None and task.cancelling() > 0
    if isinstance(error, GeneratorExit):
        return _running_task() is None  # a coroutine is closed when no task runs it; otherwise the block raised it
    return not isinstance(error, (SystemExit, KeyboardInterrupt))


def _running_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # the coroutine runs without asyncio
        return None


def refused_arguments(block: Block[..., Any], error: ValidationError) -> Failure:
    """INVALID_TYPE with one detail for each wrong argument; values are not quoted."""
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
    """The same error without the arguments, which would otherwise be kept as long as the job."""
    lines: list[Any] = [
        {"type": PydanticCustomError("wrong", "{message}", detail), "loc": (detail["parameter"],), "input": None}
        for detail in details
    ]
    return ValidationError.from_exception_data(title, lines)


def message_of(error: BaseException) -> str:
    """The message of an exception. `KeyError` quotes its message; an exception without a message is named."""
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return error.args[0] or "KeyError"
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001  # a broken __str__ of an exception must not become the step's outcome
        return type(error).__name__


def _shorten_arguments(error: BaseException) -> None:
    if any(type(part) is str and len(part) > LONGEST_MESSAGE for part in error.args):
        with suppress(AttributeError):  # the arguments of a custom class may be read-only
            error.args = tuple(_shorten(part, LONGEST_MESSAGE) if type(part) is str else part for part in error.args)


def shorten_name(name: str, longest: int = LONGEST_NAME) -> str:
    """The beginning of a user's string, long enough to identify it."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _shorten(message: str, longest: int) -> str:
    count = len(message)
    clean = message[:longest].encode("utf-8", "replace").decode()
    return clean if count <= longest else f"{clean}… ({count:,} characters in all)"
