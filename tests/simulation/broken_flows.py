"""Ways to break the resume of loops, choices and waits, and the reading of records; see `tests.simulation.broken`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from handler.engine.flow import restore
from handler.engine.flow.restore import Restoring
from handler.engine.flow.turns import FlowTurns
from handler.engine.flow.written import Choose
from infra.jobs import records_table
from infra.jobs.records import JobRecord, StepRecord

# The real functions, for those that change only a part.
_FOLLOW: Final = restore.follow
_WAIT: Final = FlowTurns._wait


@contextmanager
def choose_again() -> Iterator[None]:
    """A resumed job evaluates its conditions again, with the variables as they are now."""

    def follow(step: Any, walk: Any) -> None:
        if not isinstance(step.spec, Choose):
            _FOLLOW(step, walk)
            return
        turns = step.job.turns()
        turns.began = 0.0
        branch = step.spec.branch(FlowTurns(turns, walk)._choose(step.spec))
        if branch:
            walk.open(branch, None)

    with patch.object(restore, "follow", follow):
        yield


def list_again(self: Restoring, step: Any, _: Any) -> Any:
    """A resumed job evaluates the lists of its loops again."""
    return self._read_again(step.spec)


@contextmanager
def count_paths() -> Iterator[None]:
    """A record's item is found by counting, as if each item had as many records as `do` has steps."""
    real = Restoring._begin_next

    def begin_next(self: Restoring, frame: Any, path: str | None) -> None:
        owner = frame.owner
        if getattr(owner, "is_loop", False):
            owner.index = (self._walk.recorded - owner.step.position) // len(owner.do)
        real(self, frame, path)

    with patch.object(Restoring, "_begin_next", begin_next):
        yield


@contextmanager
def forget_place() -> Iterator[None]:
    """A job that waited has forgotten where: it decides its way there again."""
    real = Restoring.adopt

    def adopt(self: Restoring, records: Any) -> None:
        waiting, self._job.waiting = self._job.waiting, None
        real(self, records)
        self._job.waiting = waiting

    with patch.object(Restoring, "adopt", adopt):
        yield


async def wait_again(self: FlowTurns, step: Any, spec: Any, _: Any) -> Any:
    """The end of a wait is computed again at each resume."""
    return await _WAIT(self, step, spec, None)


def key_by_fence(call: Any) -> str:
    """Each claim of a job calls services with different idempotency keys."""
    return f"{call.idempotency_key}/{call.path}/{call.fence}"


@contextmanager
def judge_items() -> Iterator[None]:
    """All records of an item are valid if its first one is: after a redrive from its middle, some count twice."""

    def counting(job: JobRecord, records: Sequence[StepRecord]) -> list[StepRecord]:
        found: list[StepRecord] = []
        counts = False
        for before, record in zip((None, *records), records, strict=False):
            if before is None or (before.lease, before.index + 1) != (record.lease, record.index):
                counts = record.index < job.cursor and record.lease == job.lease_of(record.index)
            if counts and record.index < job.cursor:
                found.append(record)
        return found

    with patch.object(records_table, "counting", counting):
        yield
