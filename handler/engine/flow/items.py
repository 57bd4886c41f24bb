"""Running loops over lists: their next items, and the outcomes of earlier items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from handler.engine.failure import Failure
from handler.engine.flow.loop import Close, Loop, cancelled_by
from handler.engine.flow.walk import Walk
from handler.engine.flow.written import ForEach
from handler.engine.language.contexts import FailedStepView
from handler.engine.limits import Limits
from handler.engine.status import DONE, ConduitStatus
from handler.engine.step import ConduitStep

_ENDED_WELL: Final = {"name": DONE.name, "value": DONE.value}
_NOTHING_FAILED: Final = dict(FailedStepView(None))


class ForEachLoop(Loop):
    """A loop over a list.

    Attributes:
        failures: how many items have failed.
    """

    def __init__(self, walk: Walk, step: ConduitStep, items: Sequence[Any]) -> None:
        assert isinstance(step.spec, ForEach)  # noqa: S101  # what a loop over a list is made of
        self.spec = step.spec
        self.count = len(items)
        super().__init__(walk, step, self.spec.name)
        self.items = items
        self.result: list[Any] = []
        self._outcomes: list[dict[str, Any]] = []
        self._done = self.failures = 0
        self._last_cause: ConduitStep | None = None
        self._is_too_many = False

    def _begin_scope(self) -> None:
        self.item = self.items[self.index]
        self.frame.scope.begin_item(self._name, self.item)

    def moves_on(self, most: int) -> bool:
        """Begin the next item if the last one succeeded and ended with a block, and the loop does not end.

        This is the common case. `settle`, `decide` and `begin_next` do the same in four times the time.

        Args:
            most: records that the job may have inside loops.
        """
        frame, walk, index = self.frame, self._walk, self.index + 1
        latest = frame.latest
        if not self._is_running or latest is None or latest.spec is not None or index >= len(self.items):
            return False
        if frame.failed is not None or frame.cancelled is not None or frame.expired or self.is_over:
            return False
        if walk.cancelled or self.ends_at is not None or walk.in_loops >= most:
            return False
        self._done += 1
        self.result.append(latest.return_value if latest.status is DONE else None)
        self.index = index
        path = f"{self._path}{index}"
        frame.prefix = path if self._is_short else path + "."
        frame.next, frame.latest, frame.skips = 0, None, False
        item = self.item = self.items[index]
        frame.scope.begin_item(self._name, item)
        return True

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        """The outcome of each item that has ended: ``{"index", "status", "failed_step"}``."""
        known = self._outcomes
        for index in range(len(known), self._done + self.failures):
            known.append({"index": index, "status": _ENDED_WELL, "failed_step": _NOTHING_FAILED})
        return known

    def cause_of(self, status: ConduitStatus, error: Any) -> ConduitStep | None:
        """The inner step that failed the loop, if its record has this status and error."""
        if status is ConduitStatus.ITEMS_FAILED:
            return self._last_cause
        return self._cause_of_end(status, error)

    def _end_item(self) -> None:
        frame = self.frame
        failed = frame.failed
        self.result.append(self._latest_result())
        if failed is None:
            self._done += 1
            return
        status = {"name": failed.status.name, "value": failed.status.value}
        cause = dict(FailedStepView(frame.cause))
        self.outcomes.append({"index": self.index, "status": status, "failed_step": cause})
        if failed.status is ConduitStatus.CANCELLED:
            return  # the loop ends with it
        self.failures += 1
        self._last_cause = frame.cause
        self._is_too_many = not self.spec.may_fail(self.failures, len(self.items))

    @property
    def tally(self) -> dict[str, int]:
        """The numbers of all, of successful and of failed items."""
        return {"count": len(self.items), "done": self._done, "failed": self.failures}

    def decide(self, now: float, limits: Limits, _: Callable[[], bool]) -> Close | None:
        """The end of the loop; ``None`` if the next item begins."""
        if self.frame.expired:
            return self._expired()
        if self.frame.cancelled is not None:
            return cancelled_by(self.frame.cancelled)
        if self._is_too_many:
            message = f"{self.failures:,} of {len(self.items):,} items failed, more than the loop tolerates"
            return Close.of(Failure(ConduitStatus.ITEMS_FAILED, message), self._last_cause)
        if self.is_over or self.index >= len(self.items):
            return Close(DONE)
        return self._stopped(now) or self._out_of_room(limits)
