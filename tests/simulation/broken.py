"""Ways to break the protocol: each replaces a method of the real code while a context is open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from handler.jobs import redrive, resume, runner, submission
from handler.jobs.messages import DONE
from handler.jobs.pointers import Pointers
from handler.jobs.queue_worker import Worker
from handler.jobs.submission import NewJob
from handler.jobs.view import variables_after
from handler.recording.ownership import Commit, Flush, Ownership, Release
from handler.recording.publisher import Publisher
from handler.recording.recorder import Recorder
from infra.jobs import job_items, jobs_table, records_table, steps_item
from infra.jobs.job_items import SIGNAL_OF
from infra.jobs.jobs_table import JobsTable, Refused, Written
from infra.jobs.records import JobRecord
from infra.table.conditions import Absent, All, Below, Condition, Equals
from infra.table.items import Applied
from tests.simulation import audit
from tests.simulation.table import SimulatedItems

Breakage = Callable[[], AbstractContextManager[object]]

# The real methods, for those that change only a part.
_TAKE = Worker._take
_RUN_CLAIMED = Worker._run_claimed
_PUT_ALL = SimulatedItems.put_all
_ENDED = Ownership._ended
_ATTEMPTS = Ownership._attempts


def replaced(owner: Any, name: str, method: Any) -> Breakage:
    return lambda: patch.object(owner, name, method)


def without(*attrs: str) -> Breakage:
    """Commit without a condition on these attributes of the job."""

    async def commit(
        self: JobsTable, held: JobRecord, after: JobRecord, *, parks: bool = False, unanswered: str | None = None
    ) -> Any:
        parts: dict[str, Condition] = {
            "lease": Equals("lease", held.lease or ""),
            "cursor": Equals("cursor", held.cursor),
            "attempts": Equals("attempts", held.attempts),
        }
        if parks:
            parts["woken"] = jobs_table._as_woken(held)
        if unanswered is not None:
            parts["signals"] = Absent(SIGNAL_OF + unanswered)
        condition = All(*(part for name, part in parts.items() if name not in attrs))
        return await self._update(held, after, condition, lambda found: jobs_table.is_committed(found, held, after))

    return replaced(JobsTable, "commit", commit)


@contextmanager
def same_fence() -> Iterator[None]:
    """Every claim has the same lease."""
    real = JobsTable.claim

    async def claim(self: JobsTable, job: JobRecord, *, token: str, until: float, now: float) -> Any:  # noqa: ARG001 (the real signature)
        return await real(self, job._replace(fence=0), token="same", until=until, now=now)

    async def update(self: JobsTable, before: JobRecord, after: JobRecord, condition: Condition, own: Any) -> Any:
        if isinstance(condition, All):
            condition = All(*(part for part in condition.conditions if part != Equals("fence", 0)))
        return await real_update(self, before, after, condition, own)

    real_update = JobsTable._update
    with patch.object(JobsTable, "claim", claim), patch.object(JobsTable, "_update", update):
        yield


@contextmanager
def key_without_lease() -> Iterator[None]:
    """Records of a step overwrite each other."""

    def steps_key(index: int, _: str) -> str:
        return f"STEPS#{index + 1:05d}#any"

    def counting(job: JobRecord, records: Sequence[Any]) -> Any:
        return [record for record in records if record.index < job.cursor]

    with ExitStack() as stack:
        stack.enter_context(patch.object(steps_item, "steps_key", steps_key))
        for module in (records_table, audit):
            stack.enter_context(patch.object(module, "counting", counting))
        yield


@contextmanager
def read_refused() -> Iterator[None]:
    """All records before the cursor of a job are read, even those of refused commits."""

    def counting(job: JobRecord, records: Sequence[Any]) -> Any:
        found = {record.index: record for record in records if record.index < job.cursor}
        return [found[index] for index in sorted(found)]

    with patch.object(records_table, "counting", counting):
        yield


def early_commit(order: str) -> Breakage:
    """Do one thing on the wrong side of the commit: before it instead of after it, or the reverse."""
    real = Recorder._commit

    async def publish_first(self: Recorder, job: Any, kind: Commit) -> bool:
        updates = self._updates
        told = self.job._replace(published=updates.reached, cursor=len(self.steps))
        updates.reached = await updates._publisher.publish(told, self.steps)
        return await real(self, job, kind)

    async def records_last(self: Recorder, job: Any, kind: Commit) -> bool:
        table, kept = self._ports.table.records, list[Any]()

        async def later(items: Any) -> None:
            kept.extend(items)

        with patch.object(table, "put_items", later):
            done = await real(self, job, kind)
        await table.put_items(kept)
        return done

    return replaced(Recorder, "_commit", publish_first if order == "publish" else records_last)


async def ignore_failures(self: Publisher, _: JobRecord, updates: Sequence[Any]) -> None:
    await self._ports.bus.publish([update.entry for update in updates], missed=lambda _: None)


async def clear_first(self: Publisher, job: JobRecord, steps: Any = None, **_: Any) -> JobRecord:
    if job.all_published and job.due is None:
        return job
    if steps is None:
        steps = await self._ports.table.records.read_steps(job)
    if job.due is not None:
        await self._ports.table.mark_published(job, job.cursor + 1)
    return job._replace(published=await self.publish(job, steps))


async def mark_any_run(self: JobsTable, job: JobRecord, published: int) -> Any:
    full = published > job.cursor
    after = job._replace(published=published, due=None if full else job.due)
    return await self._update(job, after, Below("published", published) if not full else All(), lambda _: False)


async def acknowledge_held(self: Worker, job: JobRecord, message: Any, lifetime: Any) -> Any:
    return DONE if job.held(self._ports.now()) else await _TAKE(self, job, message, lifetime)


@contextmanager
def send_nothing() -> Iterator[None]:
    """A job that is handed over is released, but no message is sent; the sweeper still sends one."""
    real = Pointers.hand_over

    async def hand_over(self: Pointers, job: JobRecord, *, salt: str = "") -> bool:
        return await real(self, job, salt=salt) if salt else True

    with patch.object(Pointers, "hand_over", hand_over):
        yield


async def keep_hold(self: Recorder, job: Any, paused: Any, waiting: Any) -> bool:  # noqa: ARG001 (the real signature)
    """Hand over without releasing the lease."""
    return True


@contextmanager
def uncounted() -> Iterator[None]:
    """Claims count no attempt."""
    real = JobsTable._update

    async def update(self: JobsTable, before: JobRecord, after: JobRecord, condition: Any, own: Any) -> Any:
        if after.fence > before.fence:
            after = after._replace(attempts=before.attempts)
        return await real(self, before, after, condition, own)

    with patch.object(JobsTable, "_update", update):
        yield


def answer_all(recognise: bool) -> Breakage:
    def answer(answer: Any, own: Any) -> Any:  # noqa: ARG001 (the real signature)
        job = job_items.job_record(answer.item) if answer.item else None
        applied = isinstance(answer, Applied)
        return Written(job) if job is not None and (applied or recognise) else Refused(job)

    return replaced(JobsTable, "_answer", staticmethod(answer))


async def payload_last(self: NewJob, ports: Any, *, due: float) -> Any:
    answer = await ports.table.accept(self.job._replace(due=due), ports.now())
    await ports.table.records.put(self.payload, ())
    return answer


async def lose_some(self: SimulatedItems, items: Sequence[Any]) -> None:
    await _PUT_ALL(self, items[: len(items) - (len(items) > 1)])


async def run_unaccepted(self: Worker, message: Any, _: Any, __: NewJob, lifetime: Any) -> Any:
    """A message that was received before is run like a new one."""
    return await self._begin(replace(message, receives=1), lifetime)


def no_due(self: Ownership, *ended: Any) -> JobRecord:
    return _ENDED(self, *ended)._replace(due=None)


def take_any_mark_back(self: Ownership, cursor: int) -> bool:  # noqa: ARG001 (the real signature)
    return True


def no_attempt_back(self: Ownership, held: JobRecord, commit: Commit, cursor: int) -> int:
    clean = isinstance(commit, Release) and not commit.paused.cut
    return _ATTEMPTS(self, held, Flush() if clean else commit, cursor)


def unlimited_blame(self: Ownership, effect: str) -> Any:  # noqa: ARG001 (the real signature)
    return None


@contextmanager
def careless() -> Iterator[None]:
    """After a crash the invocation does not commit before every step."""
    real = Ownership.__init__

    def init(self: Ownership, *given: Any) -> None:
        real(self, *given)
        self.careful = False

    with patch.object(Ownership, "__init__", init):
        yield


@contextmanager
def forget_variables() -> Iterator[None]:
    """A resumed job has the variables of its payload."""
    with patch.object(resume, "variables_after", lambda written, _: variables_after(written, ())):
        yield


@contextmanager
def resume_early() -> Iterator[None]:
    """A resumed job runs its last recorded step again."""
    real = resume.as_steps
    with patch.object(resume, "as_steps", lambda records: real(records)[:-1]):
        yield


@contextmanager
def blind_to_cancel() -> Iterator[None]:
    """A claim does not check whether the job was cancelled."""
    real = runner.restored

    def restored(run: Any, ports: Any, *rest: Any) -> Any:
        return real(replace(run, job=run.job._replace(cancel=False)), ports, *rest)

    with patch.object(runner, "restored", restored):
        yield


class _Unsettled(Publisher):
    """Reports that everything is published."""

    async def settle(self, job: JobRecord, _: Any = None, **__: Any) -> JobRecord:
        return job._replace(published=job.cursor + 1)


def redrive_over_leftovers() -> AbstractContextManager[object]:
    """A redrive does not publish what the previous run left unpublished."""
    return patch.object(redrive, "Publisher", _Unsettled)


@contextmanager
def redrive_keeps_cancel() -> Iterator[None]:
    real = SimulatedItems.update_if

    async def update_if(self: SimulatedItems, pk: str, sk: str, *, condition: Any, set: Any, remove: Any = ()) -> Any:
        kept = [name for name in remove if name != "cancel"]
        return await real(self, pk, sk, condition=condition, set=set, remove=kept)

    with patch.object(SimulatedItems, "update_if", update_if):
        yield


def only_messages() -> AbstractContextManager[object]:
    """Only the message makes sure that a job ends, however often it was received: the job is never due."""

    async def run_claimed(self: Worker, job: JobRecord, message: Any, lifetime: Any) -> Any:
        return await _RUN_CLAIMED(self, job, replace(message, receives=1), lifetime)

    async def set_due(_: JobsTable, job: JobRecord, __: float) -> Written:
        return Written(job)

    stack = ExitStack()
    stack.enter_context(patch.object(Worker, "_run_claimed", run_claimed))
    stack.enter_context(patch.object(JobsTable, "set_due", set_due))
    return stack


def same_rights() -> AbstractContextManager[object]:
    """The hash of a payload leaves the rights out."""
    real = submission.payload_record

    def payload_record(key: Any, text: str, rights: Any, expires_at: int) -> Any:
        return replace(real(key, text, rights, expires_at), hash=submission.digest(text))

    stack = ExitStack()
    for module in (submission, redrive):
        stack.enter_context(patch.object(module, "payload_record", payload_record))
    return stack
