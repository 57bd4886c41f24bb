"""Restores a job to the end of its records: recorded outcomes move the walk, and nothing is evaluated again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from handler.engine.failure import Failure
from handler.engine.flow.attempt import Attempt
from handler.engine.flow.items import ForEachLoop
from handler.engine.flow.loop import Close, WhileLoop
from handler.engine.flow.run import Written, end, follow
from handler.engine.flow.turns import FlowTurns, Waiting
from handler.engine.flow.walk import Frame, Walk
from handler.engine.flow.written import ForEach
from handler.engine.status import ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.turn import StepRunner
from handler.engine.variables import Variables

Record = Mapping[str, Any]
Watch = Callable[[ConduitStep, int], None]
_NEVER_CAME = frozenset({ConduitStatus.SKIPPED, ConduitStatus.CANCELLED})


class RecordsMismatchError(Exception):
    """The records are not those of this payload: the job can never run."""


class RestoredJob(Protocol):
    """The part of the job that restoring uses."""

    store: Variables
    waiting: Waiting | None

    @property
    def written(self) -> Written: ...

    def turns(self) -> StepRunner:
        """The turns of its steps in a run without limits."""


class Restoring:
    """The restoring of one job.

    Args:
        job: the job, of which no step has run.
        walk: its walk.
        idle: the periods between a run's end and its redrive, which do not count for a loop's time limit.
        watch: called with each step before its record is applied, and the record's number.
    """

    def __init__(
        self, job: RestoredJob, walk: Walk, idle: Sequence[tuple[float, float]], watch: Watch | None = None
    ) -> None:
        self._job = job
        self._walk = walk
        self._idle = idle
        self._watch = watch

    def adopt(self, records: Sequence[Record]) -> None:
        """Apply all records in order, and move to the waiting step, if there is one.

        Raises:
            RecordsMismatchError: these cannot be records of this job.
        """
        for record in records:
            self._go_to(record.get("path"), is_close=record.get("phase") == "close")
            self._take(record)
        waiting = self._job.waiting
        if waiting is not None and "path" in waiting:
            self._go_to(waiting["path"], is_close=False)

    def _go_to(self, path: str | None, *, is_close: bool) -> None:
        """Move to the step at that path, or to the close of that loop or try."""
        walk = self._walk
        while True:
            frame = walk.frame
            if frame.next < len(frame.steps):
                return
            if frame.outer is None:
                if not self._job.written.begin_output():
                    raise RecordsMismatchError(f"there is a record of {path}, where the job has no further step")
            elif frame.owner is None:
                walk.leave()
            else:
                frame.owner.settle()
                if is_close and path == frame.owner.step.path:
                    return
                self._begin_next(frame, path)

    def _begin_next(self, frame: Frame, path: str | None) -> None:
        try:
            frame.owner.begin_next()
        except IndexError:
            raise RecordsMismatchError(f"there is a record of {path}, where a loop has no further item") from None
        if not frame.steps:
            raise RecordsMismatchError(f"there is a record of {path}, where nothing is to be caught")

    def _take(self, record: Record) -> None:
        walk, frame = self._walk, self._walk.frame
        phase = record.get("phase", "step")
        if phase == "close":
            owner = frame.owner
            if owner is None or frame.next < len(frame.steps) or owner.step.path != record.get("path"):
                raise RecordsMismatchError(f"{record.get('path')} is recorded as closed where it cannot be")
            self._close(owner, record)
            return
        step = frame.begin_turn(walk.recorded + 1)
        if step.path != record.get("path", step.path):
            raise RecordsMismatchError(f"the record of {record.get('path')} is in the place of {step.path}")
        if self._watch is not None:
            self._watch(step, walk.recorded + 1)
        frame.end_turn(step)
        number = walk.count()
        if phase == "open":
            self._open(step, record)
            return
        self._end(step, record, frame, number)

    def _end(self, step: ConduitStep, record: Record, frame: Frame, number: int) -> None:
        walk = self._walk
        step.position = number
        step.status = ConduitStatus[record["status"]["name"]]
        step.return_value = record.get("result")
        step.result_json = record.get("result_json")
        step.error = record.get("error")
        step.attempts = record.get("attempts", 0)
        step.started_at, step.finished_at = record.get("started_at"), record.get("finished_at")
        step.variables_json = record.get("variables_json")
        self._job.store.restore(step)
        if frame.counts and step.block is not None and step.status not in _NEVER_CAME:
            self._job.written.is_over(step.block)
        follow(step, walk)

    def _open(self, step: ConduitStep, record: Record) -> None:
        opened = cast("dict[str, Any]", record.get("opened") or {})
        step.opened, step.opened_json = opened, record.get("opened_json")
        began = opened.get("started_at", record.get("started_at"))
        step.started_at = began
        self._job.store.restore_opened(step)
        owner: Any
        match step.kind:
            case "for_each":
                owner = ForEachLoop(self._walk, step, self._items(step, opened))
            case "while":
                owner = WhileLoop(self._walk, step)
            case "try":
                owner = Attempt(self._walk, step)
            case _:
                raise RecordsMismatchError(f"{step.path} is recorded as opened but is not a loop or try")
        if owner.is_loop and step.timeout is not None and began is not None:
            stood_still = sum(max(0.0, to - max(begin, began)) for begin, to in self._idle)
            owner.ends_at = began + step.timeout + stood_still

    def _items(self, step: ConduitStep, opened: Mapping[str, Any]) -> list[Any]:
        spec = cast("ForEach", step.spec)
        try:
            items = opened["list"] if "list" in opened else self._read_again(spec)
        except Failure as failure:
            raise RecordsMismatchError(f"the list of {step.path} cannot be read again: {failure}") from None
        if len(items) != opened.get("count", len(items)):
            raise RecordsMismatchError(f"the list of {step.path} has another length than its record says")
        return cast("list[Any]", items)

    def _read_again(self, spec: ForEach) -> list[Any]:
        """The items of a loop over a recorded result."""
        turns = self._job.turns()
        turns.began = 0.0
        return FlowTurns(turns, self._walk).items_of(spec)

    def _close(self, owner: Any, record: Record) -> None:
        step = owner.step
        status = ConduitStatus[record["status"]["name"]]
        error = record.get("error")
        cause = owner.cause_of(status, error)
        self._job.store.restore_error(error)
        step.finished_at = record.get("finished_at")
        end(step, Close(status, error, cause), self._walk)
