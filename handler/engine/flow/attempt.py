"""A `try` that has begun."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handler.engine.flow.loop import Close, cancelled_by
from handler.engine.flow.walk import Walk
from handler.engine.flow.written import Try
from handler.engine.limits import Limits
from handler.engine.status import DONE, ConduitStatus
from handler.engine.step import ConduitStep


class Attempt:
    """The steps of ``try``, whose failure is caught, then those of ``catch``.

    Attributes:
        step: the step.
        failed_step: the first failed step of ``try``; ``None`` if none failed.
    """

    is_loop = False
    ends_at: float | None = None

    def __init__(self, walk: Walk, step: ConduitStep) -> None:
        assert isinstance(step.spec, Try)  # noqa: S101  # what an attempt is made of
        self.step = step
        self._spec = step.spec
        self._walk = walk
        self._has_caught = self._is_settled = False
        self.frame = walk.open(self._spec.attempt, self)
        self._caught: ConduitStep | None = None
        step.run = self

    @property
    def failed_step(self) -> ConduitStep | None:
        """The first failed step of ``try``."""
        return self._caught if self._has_caught else self.frame.cause

    @property
    def result(self) -> dict[str, Any]:
        """Its result once it is DONE."""
        return {"failed": self.failed_step is not None}

    def cause_of(self, status: ConduitStatus, error: Any) -> ConduitStep | None:  # noqa: ARG002  # as loops do
        """The inner step that failed it, if its record has this status and error."""
        if status is ConduitStatus.CANCELLED:
            return self.frame.cancelled
        return self.frame.cause if status is ConduitStatus.TIME_LIMIT_EXCEED else None

    def moves_on(self, most: int) -> bool:  # noqa: ARG002  # as loops do
        """Whether the next list has begun already: never, since `decide` chooses the list after the first."""
        return False

    def settle(self) -> None:
        """Do nothing: a `try` counts no items."""

    def begin_next(self) -> None:
        """Begin the steps of `catch`."""
        frame = self.frame
        self._caught = frame.cause
        self._has_caught = True
        was_ended = frame.skips and frame.failed is None
        frame.begin(self._spec.catch)
        frame.skips = was_ended
        frame.holds = False

    def decide(self, now: float, limits: Limits, _: Callable[[], bool]) -> Close | None:  # noqa: ARG002  # as loops do
        """The end of the `try`; ``None`` if the steps of `catch` begin."""
        frame = self.frame
        if frame.expired:
            assert frame.cause is not None and frame.cause.error is not None  # noqa: PT018, S101  # else nothing expired
            return Close(ConduitStatus.TIME_LIMIT_EXCEED, dict(frame.cause.error), frame.cause)
        if frame.cancelled is not None:
            return cancelled_by(frame.cancelled)
        if self._has_caught or frame.cause is None or not self._spec.catch:
            return Close(DONE)
        return cancelled_by(None) if self._walk.cancelled else None
