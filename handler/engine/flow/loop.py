"""Running loops: their next item or round, and their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from handler.engine.failure import LOOP_TIMEOUT, Failure
from handler.engine.flow.walk import Walk
from handler.engine.flow.written import Choose, ForEach, Steps, While
from handler.engine.limits import Limits
from handler.engine.status import DONE, ConduitStatus
from handler.engine.step import ConduitStep

_CANCELLED: Final = Failure(ConduitStatus.CANCELLED, "the job was cancelled before this step had ended")


class Close:
    """The end of a loop or a try.

    Attributes:
        status: its status.
        error: the reason, if the status is not DONE.
        cause: the inner step that failed it, if any.
    """

    __slots__ = ("cause", "error", "status")

    def __init__(
        self, status: ConduitStatus, error: dict[str, Any] | None = None, cause: ConduitStep | None = None
    ) -> None:
        self.status = status
        self.error = error
        self.cause = cause

    @classmethod
    def of(cls, failure: Failure, cause: ConduitStep | None = None) -> Close:
        """The end for a failure; its error names the inner step that caused it."""
        error = failure.describe()
        if cause is not None:
            error["path"] = cause.path
        return cls(failure.status, error, cause)


def cancelled_by(step: ConduitStep | None) -> Close:
    """The end of a loop or a try in a cancelled job; a redrive continues at the inner step that was next."""
    return Close(ConduitStatus.CANCELLED, _CANCELLED.describe(), step)


class Loop:
    """A loop that has begun.

    Args:
        walk: the walk, at the turn of the loop's step.
        step: the step.
        name: the name of an item inside the loop, if any.

    Attributes:
        step: the step.
        index: the index of the current or next item or round.
        count: the number of items; ``None`` if it is unknown.
        ends_at: when its time limit expires; ``None`` for never.
        is_over: whether it was ended early.
        result: its result once it is DONE.
    """

    is_loop = True
    count: int | None = None
    item: Any = None

    def __init__(self, walk: Walk, step: ConduitStep, name: str | None) -> None:
        spec: Any = step.spec
        self.step = step
        self.do: Steps = spec.do
        self.index = 0
        self.is_over = False
        self.ends_at: float | None = None
        self.result: Any = None
        self._walk = walk
        self._name = name
        self._is_short = isinstance(spec, ForEach) and spec.short
        self._is_running = False
        self._path = f"{step.path}."
        scope = walk.frame.scope.inside(self, name, spec.by_id)
        walk.has_limits = walk.has_limits or step.timeout is not None
        self.frame = walk.open(self.do, self, scope)
        self.frame.next = len(self.do)  # no step runs before the first item is begun
        step.run = self

    @property
    def failed_step(self) -> ConduitStep | None:
        """The first failed step of the current item."""
        return self.frame.cause

    def begin_next(self) -> None:
        """Begin the next item or round."""
        frame = self.frame
        path = f"{self._path}{self.index}"
        frame.prefix = path if self._is_short else path + "."
        frame.begin(self.do)
        self._is_running = True
        self._begin_scope()

    def _begin_scope(self) -> None:
        self.frame.scope.begin_item(None, None)

    def moves_on(self, most: int) -> bool:  # noqa: ARG002  # loops over lists need it
        """Whether the next item has begun already: see `ForEachLoop`."""
        return False

    def settle(self) -> None:
        """Count the item that has ended."""
        if self._is_running:
            self._is_running = False
            self._end_item()
            self.index += 1

    def _end_item(self) -> None:
        raise NotImplementedError

    def _latest_result(self) -> Any:
        """The result of the last step of `do`; for a choice, that of the last step of its branch."""
        step = self.frame.latest
        while step is not None and isinstance(step.spec, Choose):
            result = step.return_value if step.status is DONE else None
            branch = step.spec.branch(result["branch"]) if result else []
            step = self.frame.scope.steps.get(branch[-1].id) if branch else None
        return step.return_value if step is not None and step.status is DONE else None

    def _stopped(self, now: float) -> Close | None:
        """The end of any loop because of a cancel or its time limit."""
        if self._walk.cancelled:
            return cancelled_by(None)
        if self.ends_at is not None and now >= self.ends_at:
            return self._time_is_over()
        return None

    def _out_of_room(self, limits: Limits) -> Close | None:
        """The end of a loop whose next item or round would exceed the job's limit of records."""
        records = self._walk.in_loops
        if records < limits.loop_records:
            return None
        message = f"the job has {records:,} records inside loops; the limit is {limits.loop_records:,}"
        return Close.of(Failure(ConduitStatus.STEP_LIMIT_EXCEED, message))

    def _cause_of_end(self, status: ConduitStatus, error: Any) -> ConduitStep | None:
        """The inner step that a cancel or an outer limit stopped; the loop itself if its own limit stopped it."""
        cause = self.frame.cause
        if status is ConduitStatus.CANCELLED:
            return self.frame.cancelled
        if status is not ConduitStatus.TIME_LIMIT_EXCEED or cause is None or not self.frame.expired:
            return None
        return self.step if isinstance(error, dict) and error.get("path") == self.step.path else cause

    def _time_is_over(self) -> Close:
        return Close(ConduitStatus.TIME_LIMIT_EXCEED, timeout_of(self.step), self.step)

    def _expired(self) -> Close:
        """The end of a loop in which a time limit stopped a step: its own limit or an outer one."""
        cause = self.frame.cause
        assert cause is not None and cause.error is not None  # noqa: PT018, S101  # else nothing expired
        if cause.error.get("path") == self.step.path:
            return self._time_is_over()
        return Close(ConduitStatus.TIME_LIMIT_EXCEED, dict(cause.error), cause)


def timeout_of(step: ConduitStep) -> dict[str, Any]:
    """The error of a step that the time limit of a loop has ended."""
    message = f"the time limit (`timeout`) of the loop `{step.path}` has passed"
    return {"type": LOOP_TIMEOUT, "message": message, "path": step.path}


class WhileLoop(Loop):
    """A loop for as long as a condition holds."""

    def __init__(self, walk: Walk, step: ConduitStep) -> None:
        assert isinstance(step.spec, While)  # noqa: S101  # what such a loop is made of
        self.spec = step.spec
        super().__init__(walk, step, None)
        self._failed: ConduitStep | None = None

    def cause_of(self, status: ConduitStatus, error: Any) -> ConduitStep | None:
        """The inner step that failed the loop, if its record has this status and error."""
        stopped = self._cause_of_end(status, error)
        return stopped or (self.frame.cause if self._failed is not None and self._failed.status is status else None)

    def _end_item(self) -> None:
        self.result = self._latest_result()
        self._failed = self.frame.failed

    def decide(self, now: float, limits: Limits, is_met: Callable[[], bool]) -> Close | None:
        """The end of the loop; ``None`` if another round begins.

        Args:
            now: the time.
            limits: the job's limits.
            is_met: evaluates the condition.

        Raises:
            Failure: the condition cannot be evaluated.
        """
        if self.frame.expired:
            return self._expired()
        if self.frame.cancelled is not None:
            return cancelled_by(self.frame.cancelled)
        if self._failed is not None:
            message = f"round {self.index - 1} failed"
            return Close.of(Failure(self._failed.status, message), self.frame.cause)
        if self.is_over:
            return Close(DONE)
        stopped = self._stopped(now)
        if stopped is not None:
            return stopped
        if not is_met():
            return Close(DONE)
        if self.index >= self.spec.most:
            rounds = "1 round" if self.spec.most == 1 else f"{self.spec.most:,} rounds"
            message = f"the condition still holds after {rounds} (`max`)"
            return Close.of(Failure(ConduitStatus.STEP_LIMIT_EXCEED, message))
        return self._out_of_room(limits)
