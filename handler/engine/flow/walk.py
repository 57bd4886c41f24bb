"""The walk: the progress of a job, as a stack of the lists of steps that have begun and not ended.

The walk evaluates nothing. A run moves it with the results of steps, `handler.engine.flow.restore` with recorded
results, so that a restored job has exactly the progress that it had. See docs/decisions/017-flow.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handler.engine.failure import JOB_TIMEOUT, LOOP_TIMEOUT
from handler.engine.flow.scope import Scope
from handler.engine.language.clock import reads_clock
from handler.engine.status import DONE, NO_FAILURE, ConduitStatus
from handler.engine.step import ConduitStep


class Frame:
    """One list of steps in progress.

    Attributes:
        steps: the list, as written.
        next: the index of the next step.
        current: the step made for the current turn, until that ends.
        latest: the step that ended last.
        scope: the scope of its tags.
        prefix: the prefix of its steps' paths, up to a dot; without a dot, the path of its only step.
        outer: the frame around it.
        owner: the loop or try whose list it is; ``None`` for the top level and for a branch.
        holds: whether an inner failure does not fail the list around it.
        skips: whether only forced steps run from now on.
        failed: the step of this list whose failure skips the rest.
        cause: the step that failed first, here or in a loop inside.
        expired: whether a time limit around it has ended it.
        cancelled: its first CANCELLED step, or that of a loop inside.
        counts: whether uses of blocks are counted at each turn.
        inside: whether the list is in a loop: then a new step is made for each turn.
    """

    __slots__ = (
        "cancelled",
        "cause",
        "counts",
        "current",
        "expired",
        "failed",
        "holds",
        "inside",
        "latest",
        "next",
        "outer",
        "owner",
        "prefix",
        "scope",
        "skips",
        "steps",
    )

    def __init__(self, steps: list[ConduitStep], scope: Scope, outer: Frame | None, owner: Any) -> None:
        self.scope = scope
        self.outer: Frame | None = outer
        self.owner: Any = owner
        self.holds = owner is not None
        self.inside = scope.outer is not None
        self.counts: bool = outer is not None and (outer.counts or owner is None or owner.step.kind != "try")
        self.prefix: str = outer.prefix if outer is not None else ""
        self.begin(steps)

    def begin(self, steps: list[ConduitStep]) -> None:
        """Reset the state for a list that begins."""
        self.steps = steps
        self.next = 0
        self.current: ConduitStep | None = None
        self.latest: ConduitStep | None = None
        self.skips = self.expired = False
        self.cancelled: ConduitStep | None = None
        self.failed: ConduitStep | None = None
        self.cause: ConduitStep | None = None

    def begin_turn(self, position: int) -> ConduitStep:
        """Begin the turn of the next step; set its position and path."""
        step = self.current
        if step is not None:
            return step
        step = self.steps[self.next]
        if self.inside:
            prefix = self.prefix
            step = step.begin_again(position, prefix + step.id if prefix[-1] == "." else prefix)
        else:
            step.position = position
        if self.outer is not None and step.status is not ConduitStatus.DUPLICATE_STEP_IDS:
            self.scope.steps[step.id] = step
        self.current = step
        return step

    def end_turn(self, step: ConduitStep) -> None:
        """End the turn of a step that has its status or has opened a list."""
        self.latest = step
        self.current = None
        self.next += 1


class Walk:
    """The progress of a job.

    Args:
        steps: the top-level list.
        scope: its scope.

    Attributes:
        frame: the innermost list.
        recorded: the number of records.
        in_loops: how many of them belong to steps inside loops.
        failed_step: the step that has failed the job.
        cancelled: whether steps that have not run become CANCELLED.
        has_limits: whether a loop with a time limit has begun.
    """

    def __init__(self, steps: list[ConduitStep], scope: Scope) -> None:
        self.top = self.frame = Frame(steps, scope, None, None)
        self.recorded = 0
        self.in_loops = 0
        self.cancelled = False
        self.has_limits = False

    @property
    def failed_step(self) -> ConduitStep | None:
        """The step that has failed the job."""
        return self.top.cause

    @property
    def chosen_by_clock(self) -> bool:
        """Whether the current step might not run if the conditions that led to it were evaluated again later.

        This depends on its own `if`, or on the condition of the `while` whose round it begins, if they read the clock:
        no record has their results. Everything else that leads to a step is recorded, or follows from records.
        """
        frame = self.frame
        step, owner = frame.current, frame.owner
        if step is None:
            return False
        begins_round = owner is not None and owner.step.kind == "while" and frame.next == 0
        return reads_clock(step.if_condition) or (begins_round and reads_clock(owner.spec.condition))

    def open(self, steps: list[ConduitStep], owner: Any, scope: Scope | None = None) -> Frame:
        """Begin a list inside the current one."""
        self.frame = Frame(steps, scope if scope is not None else self.frame.scope, self.frame, owner)
        return self.frame

    def leave(self) -> None:
        """Leave the innermost list."""
        assert self.frame.outer is not None  # noqa: S101  # the top level is never left
        self.frame = self.frame.outer

    def count(self) -> int:
        """Count a record; return its number."""
        self.recorded += 1
        if self.frame.inside:
            self.in_loops += 1
        return self.recorded

    # ------------------------------------------------------------------ consequences of a step's outcome

    def settle(self, step: ConduitStep, cause: ConduitStep | None = None) -> None:
        """Apply the consequences of a step's status.

        Args:
            step: a step of the innermost list.
            cause: the inner step that failed it, if any.
        """
        status = step.status
        if status is DONE:
            return
        if status is ConduitStatus.CANCELLED:
            self.cancelled = True
            self._mark_cancelled(cause or step)
        elif self._is_harmless(step, cause or step):
            return
        self._fail(step, cause or step)

    def _is_harmless(self, step: ConduitStep, cause: ConduitStep) -> bool:
        """Whether the step has no consequence for the rest of its list, or all consequences have been applied."""
        status = step.status
        if status in NO_FAILURE or status is ConduitStatus.SKIPPED:
            return True
        if status is ConduitStatus.TIME_LIMIT_EXCEED and self._expire(step, cause):
            return True
        return step.allow_failure

    def _fail(self, step: ConduitStep, cause: ConduitStep) -> None:
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.failed is None:
                frame.failed, frame.cause = step, cause
            frame.skips = True
            if frame.holds:
                return
            frame = frame.outer

    def _mark_cancelled(self, step: ConduitStep) -> None:
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.cancelled is None:
                frame.cancelled = step
            if frame.owner is not None:
                return
            frame = frame.outer

    def _expire(self, step: ConduitStep, cause: ConduitStep) -> bool:
        """Whether an outer limit stopped the step: then everything inside that limit ends, including tolerant loops."""
        error = cause.error or {}
        kind = error.get("type")
        if kind not in {LOOP_TIMEOUT, JOB_TIMEOUT}:
            return False
        path = error.get("path")
        if kind == LOOP_TIMEOUT and step.path == path:
            return False  # the loop itself has ended: for the list around it, this is an ordinary failure
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.failed is None:
                frame.failed, frame.cause = step, cause
            frame.skips = frame.expired = True
            if kind == LOOP_TIMEOUT and frame.owner is not None and frame.owner.step.path == path:
                return True
            frame = frame.outer
        return True

    def settle_ended(self) -> None:
        """Count the item that has ended, if the records stop there."""
        frame: Frame | None = self.frame
        while frame is not None and frame.next >= len(frame.steps):
            if frame.owner is not None:
                if frame.owner.is_loop:
                    frame.owner.settle()
                return
            frame = frame.outer

    def skip_rest(self, what: str) -> None:
        """End an item, the innermost loop or the job early: only forced steps run from now on.

        Args:
            what: ``item``, ``loop`` or ``job``.
        """
        frame: Frame | None = self.frame
        while frame is not None:
            frame.skips = True
            owner = frame.owner
            if owner is not None and getattr(owner, "is_loop", False):
                owner.is_over = owner.is_over or what != "item"
                if what != "job":
                    return
            frame = frame.outer

    def timed(self) -> Iterator[tuple[float, ConduitStep]]:
        """The ends of the loops around the current list that have a time limit, innermost first."""
        frame: Frame | None = self.frame
        while frame is not None:
            owner = frame.owner
            if owner is not None and owner.ends_at is not None:
                yield owner.ends_at, owner.step
            frame = frame.outer
