"""Ways to break parks, answers, cancels and the sweep; see `tests.simulation.broken`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from handler.jobs import queue_worker, sweep
from handler.jobs.answers import AnswerDesk
from handler.jobs.messages import DONE, Verdict
from handler.jobs.pointers import LONGEST_DELAY, Pointers
from handler.jobs.queue_worker import Worker
from handler.jobs.runner import HandedOver, Parked, Runner
from handler.ports import Ports
from handler.recording import commits
from handler.recording.publisher import Publisher
from infra.jobs import jobs_table
from infra.jobs.job_items import SIGNAL_OF
from infra.jobs.jobs_table import JobsTable, Written
from infra.jobs.records import JobRecord
from infra.jobs.signals_table import SignalRecord
from infra.table.conditions import Absent, All, Condition, Equals, OneOf

# The real methods, for those that change only a part.
_ANSWER: Final = JobsTable.answer
_SEND: Final = Pointers.send
_PUT: Final = AnswerDesk._put
_UNANSWERED: Final = commits.unanswered_of
_CONCLUDED: Final = Worker._concluded
_KEEP_PARKED: Final = Worker._keep_parked
_RUN: Final = Runner.run


def answer_without(*attrs: str) -> Callable[..., Any]:
    """Accept an answer without a condition on these attributes of the job."""

    async def answer(self: JobsTable, job: JobRecord, path: str, random: str, now: float) -> Any:
        signals = (*(signal for signal in job.signals if signal[0] != path), (path, random))
        after = job._replace(signals=signals, woken=job.woken + 1, due=now)
        parts: dict[str, Condition] = {
            "run": Equals("run", job.run),
            "cursor": Equals("cursor", job.cursor),
            "status": OneOf("status", ("QUEUED", "RUNNING")),
            "cancel": Absent("cancel"),
            "signals": Absent(SIGNAL_OF + path),
            "woken": jobs_table._as_woken(job),
        }
        condition = All(*(part for name, part in parts.items() if name not in attrs))
        return await self._update(job, after, condition, lambda found: (path, random) in found.signals)

    return answer


@contextmanager
def name_first() -> Iterator[None]:
    """JOB names an answer before it is put."""
    kept: dict[str, tuple[Ports, SignalRecord]] = {}

    async def put(self: AnswerDesk, *given: Any) -> SignalRecord:
        with patch.object(type(self._ports.table.signals), "put", _nothing):
            signal = await _PUT(self, *given)
        kept[signal.random] = (self._ports, signal)
        return signal

    async def answer(self: JobsTable, job: JobRecord, path: str, random: str, now: float) -> Any:
        answered = await _ANSWER(self, job, path, random, now)
        await self.signals.put(kept[random][1])
        return answered

    with patch.object(AnswerDesk, "_put", put), patch.object(JobsTable, "answer", answer):
        yield


async def _nothing(*_: Any) -> None: ...


def unanswered_unless(*kinds: type) -> Callable[[Any], str | None]:
    """Commits of these kinds do not check whether the step was answered."""

    def unanswered_of(commit: Any) -> str | None:
        return None if isinstance(commit, kinds) else _UNANSWERED(commit)

    return unanswered_of


@contextmanager
def park_over_any_change() -> Iterator[None]:
    """A park is accepted although the job was cancelled or answered since its owner last read it."""
    real, at_once = JobsTable.commit, JobsTable.commit_at_once

    async def commit(self: JobsTable, held: Any, after: Any, **_: Any) -> Any:
        return await real(self, held, after)

    async def commit_at_once(self: JobsTable, held: Any, after: Any, steps: Any, **_: Any) -> Any:
        return await at_once(self, held, after, steps)

    with patch.object(JobsTable, "commit", commit), patch.object(JobsTable, "commit_at_once", commit_at_once):
        yield


async def leave_due(self: JobsTable, job: JobRecord, published: int) -> Any:
    """The sweep looks at a parked job every minute, as if something were unpublished."""
    after = job._replace(published=max(published, job.published), sweeps=0)
    return await self._update(job, after, Equals("fence", job.fence), lambda _: False)


async def rest_unpublished(self: Publisher, job: JobRecord, *_: Any, **__: Any) -> JobRecord:
    """A parked job rests even if its updates are not on the bus."""
    answer = await self._ports.table.mark_parked(job, job.published)
    return answer.job if isinstance(answer, Written) else job


async def send_late(self: Pointers, job: JobRecord, *, delay: float = 0.0, salt: str = "") -> bool:
    """The pointer sent after a cancel or an answer is delayed until the job's wait is over."""
    wait = min(LONGEST_DELAY, max(0.0, (job.resume_at or 0.0) - self._ports.now()))
    return await _SEND(self, job, delay=delay or wait, salt=salt)


@contextmanager
def sleep_after_any_change() -> Iterator[None]:
    """A message for a parked job is put back although the job was cancelled or answered."""

    def is_asleep(job: JobRecord, now: float) -> bool:
        return job.waiting is not None and job.status == "QUEUED" and (job.resume_at or 0.0) > now

    with ExitStack() as stack:
        for module in (queue_worker, sweep):
            stack.enter_context(patch.object(module, "is_asleep", is_asleep))
        yield


# ---------------------------------------------------------------------- FIFO queues


async def acknowledge_retries(self: Worker, result: Any, message: Any) -> Verdict:
    """The message of a job that waits for a retry or is handed over is acknowledged, which releases its group."""
    if isinstance(result, (HandedOver, Parked)):
        return DONE
    return await _CONCLUDED(self, result, message)


@contextmanager
def release_groups() -> Iterator[None]:
    """A job that waits for a retry or is handed over continues by a pointer, as on a standard queue."""

    async def run(self: Runner, given: Any, **options: Any) -> Any:
        return await _RUN(self, given, **{**options, "keeps_message": False})

    async def keep_parked(self: Worker, job: JobRecord, message: Any) -> Verdict:
        return await _KEEP_PARKED(self, job, replace(message, group=None))

    with ExitStack() as stack:
        stack.enter_context(patch.object(Runner, "run", run))
        stack.enter_context(patch.object(Worker, "_concluded", acknowledge_retries))
        stack.enter_context(patch.object(Worker, "_keep_parked", keep_parked))
        yield


@contextmanager
def hold_groups() -> Iterator[None]:
    """A waiting job keeps its message, so its group waits too."""

    async def concluded(self: Worker, result: Any, message: Any) -> Verdict:
        if isinstance(result, Parked) and message.group is not None:
            return Verdict(done=False, wait=self._left(result.job))
        return await _CONCLUDED(self, result, message)

    async def keep_parked(self: Worker, job: JobRecord, message: Any) -> Verdict:
        if message.group is not None:
            return Verdict(done=False, wait=self._left(job))
        return await _KEEP_PARKED(self, job, message)

    with patch.object(Worker, "_concluded", concluded), patch.object(Worker, "_keep_parked", keep_parked):
        yield


# ---------------------------------------------------------------------- the sweep


@contextmanager
def sweep_in_reverse() -> Iterator[None]:
    """The sweep reads queued jobs before those that crashed or wait."""
    real = sweep._Due.__init__

    def init(self: Any, ports: Ports, lifetime: Any, shards: Sequence[str]) -> None:
        is_first = tuple(shards) == tuple(sweep.FIRST_SHARDS)
        real(self, ports, lifetime, sweep.QUEUED_SHARDS if is_first else sweep.FIRST_SHARDS)

    with patch.object(sweep._Due, "__init__", init):
        yield


@contextmanager
def one_page() -> Iterator[None]:
    """The sweep ends with the first page of each shard."""
    real = sweep._Due._read

    async def read(self: Any, shard: str, start: Any) -> None:
        await real(self, shard, start)
        for again in [entry for entry in self._shards if entry[1] is not None]:
            self._shards.remove(again)

    with patch.object(sweep._Due, "_read", read):
        yield
