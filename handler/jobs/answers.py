"""Answers to steps that wait for a person: the right to answer, the first answer, and the replies to later ones.

An answer is put first, and does not count yet. Then a conditional write of JOB names it, if the job has not changed
since the step was checked. See ``docs/records.md``, rules 8 and 9, and docs/decisions/021-answers.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from blocks.comparison import identity
from handler.caller import Caller
from handler.engine.failure import NO_REASON
from handler.errors import ConflictError, ForbiddenError, GoneError, NotFoundError, UnavailableError
from handler.invocation.timestamps import iso
from handler.jobs.asked_steps import AskedStep, Steps
from handler.jobs.callbacks import Callback, read_callback
from handler.jobs.pointers import Pointers
from handler.jobs.view import step_ids, step_view, unrecorded_step
from handler.payload.answer import GivenAnswer
from handler.payload.parse import InvalidPayloadError
from handler.payload.value_schema import compile_schema
from handler.ports import RETRY_AFTER, Ports
from infra.jobs.jobs_table import Written
from infra.jobs.parking import parked
from infra.jobs.records import JobKey, JobRecord, StepRecord
from infra.jobs.signals_table import SignalRecord

MAX_UNUSED: Final = 100
"""The largest number of unused answers of a job that came before their step's turn."""
WRITES: Final = 5
"""How often a write that conflicts with other writes is tried."""
_DONE: Final = "DONE"
_REJECTED: Final = "REJECTED"


@dataclass(frozen=True, slots=True)
class Question:
    """The question at a public address.

    Attributes:
        job: the job's name, or its id.
        path: the path of the step.
        message: the question; ``None`` before the step's turn, or if the step has none.
        until: the end of the step's wait, as RFC 3339; ``None`` before the step's turn.
        has_form: whether the answer's value must match a form.
        needs_identity: whether the answer needs credentials as well.
    """

    job: str
    path: str
    message: str | None
    until: str | None
    has_form: bool
    needs_identity: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """The step that was found."""

    job: JobRecord
    written: Mapping[str, Any]
    step: AskedStep
    record: StepRecord | None

    def view(self, path: str) -> dict[str, Any]:
        """The step in the form for replies."""
        if self.record is not None:
            return step_view(self.record)
        ids = step_ids(self.written)
        position = ids.index(path) + 1 if path in ids else self.job.cursor + 1
        return unrecorded_step(path, position, "WAIT_FOR")


class AnswerDesk:
    """The use cases of answering.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._pointers = Pointers(ports)

    async def answer(self, caller: Caller, job_id: str, path: str, given: GivenAnswer) -> dict[str, Any]:
        """Answer a step; return the step.

        Raises:
            NotFoundError: the job or the step does not exist, it is not a `wait_for`, or its loop has not begun.
            ForbiddenError: the caller may not answer it.
            ConflictError: the step has another answer, or the job has too many unused ones.
            GoneError: the step ended without an answer.
            InvalidPayloadError: the value does not fit the form.
            UnavailableError: AWS fails, or other writes preceded every try.
        """
        with self._ports.served("answer"):
            return await self._answer(JobKey(caller.tenant, job_id), path, caller, given, None)

    async def find(self, token: str) -> tuple[Callback, JobRecord]:
        """Decode a token, and find its job.

        Raises:
            NotFoundError: the token is not genuine.
        """
        with self._ports.served("callback"):
            callback = read_callback(token)
            job = None if callback is None else await self._ports.table.read(callback.key, self._ports.now())
            if callback is None or not callback.is_genuine(job) or job is None:
                raise NotFoundError("There is nothing at this address.")
            return callback, job

    async def call_back(self, callback: Callback, given: GivenAnswer) -> dict[str, Any]:
        """Answer a step at its public address; return the step. The callback must be genuine.

        Raises the errors of `answer`.
        """
        with self._ports.served("callback"):
            return await self._answer(callback.key, callback.path, None, given, callback.run)

    async def question(self, callback: Callback, job: JobRecord) -> Question:
        """The question at a public address.

        Raises:
            GoneError: the question has been answered, or the job no longer waits for an answer.
        """
        with self._ports.served("callback"):
            place = await self._find(job, callback.path, callback.run)
            if callback.path in dict(job.signals) or (place.record is not None and _was_answered(place.record)):
                raise GoneError("This question has been answered.")
            self._refuse_late(place, callback.path)
            waiting = parked(job) or {}
            mine = waiting if waiting.get("path") == callback.path else {}
            return Question(
                job.name or job.key.job_id,
                callback.path,
                mine.get("message"),
                iso(mine["until"]) if mine else None,
                place.step.fields.get("form") is not None,
                needs_identity=_needs_identity(place.step),
            )

    async def _answer(
        self, key: JobKey, path: str, caller: Caller | None, given: GivenAnswer, run: str | None
    ) -> dict[str, Any]:
        signal: SignalRecord | None = None
        job = await self._ports.table.read(key, self._ports.now())
        for _ in range(WRITES):
            if job is None:
                raise NotFoundError(f"There is no job {key.job_id!r}.")
            place = await self._find(job, path, run)
            if await self._is_repeated(place, path, given):
                return place.view(path)
            self._check_rights(place, caller)
            await self._refuse_second(place, path)
            self._refuse_late(place, path)
            _check_form(place.step, given)
            self._check_room(place, path)
            if signal is None or signal.run != job.run:
                signal = await self._put(job, path, caller, given)
            answer = await self._ports.table.answer(job, path, signal.random, self._ports.now())
            if isinstance(answer, Written):
                await self._pointers.send(answer.job)
                return place.view(path)
            job = answer.job
        raise UnavailableError("Other requests are writing to this job; answer again.", retry_after=RETRY_AFTER)

    async def _find(self, job: JobRecord, path: str, run: str | None) -> _Place:
        if run is not None and run != str(job.run):
            raise GoneError("This address belongs to an earlier run of the job.")
        payload = await self._ports.table.records.read_payload(job)
        records = await self._ports.table.records.read_steps(job)
        written = json.loads(payload.payload) if payload is not None else {}
        steps = Steps(written, records)
        step = steps.find(path)
        if step is None:
            raise NotFoundError(f"The job {job.key.job_id!r} has no step {path!r} that waits for an answer.")
        return _Place(job, written, step, steps.record_of(path))

    async def _is_repeated(self, place: _Place, path: str, given: GivenAnswer) -> bool:
        """Whether the step already has this same answer."""
        if place.record is not None:
            return bool(_meaning_of_record(place.record) == _meaning(given))
        signal = await self._ports.table.signals.read(place.job, path)
        return signal is not None and bool(_meaning(_given(signal)) == _meaning(given))

    def _check_rights(self, place: _Place, caller: Caller | None) -> None:
        fields, job = place.step.fields, place.job
        tags = set(fields.get("tags") or ())
        if caller is None and _needs_identity(place.step):
            raise ForbiddenError("This address alone is not enough: answer with credentials, through the API.")
        if caller is None:
            return
        if tags and not tags & caller.tags:
            raise ForbiddenError("To answer this step, you need one of its tags.")
        if not fields.get("not_sender"):
            return
        if caller.principal is None or caller.principal in (job.sender, job.redriven_by):
            raise ForbiddenError("The sender of the job may not answer this step.")

    async def _refuse_second(self, place: _Place, path: str) -> None:
        answered = path in dict(place.job.signals) or (place.record is not None and _was_answered(place.record))
        if answered:
            raise ConflictError(f"The step {path!r} has another answer; the first one counts.")

    def _refuse_late(self, place: _Place, path: str) -> None:
        job, waiting = place.job, json.loads(place.job.waiting) if place.job.waiting else {}
        late = waiting.get("path") == path and self._ports.now() >= float(waiting["until"])
        if place.record is not None or place.step.passed or job.finished or job.cancel or late:
            raise GoneError(f"The step {path!r} no longer waits for an answer.")

    def _check_room(self, place: _Place, path: str) -> None:
        waits_for_it = (json.loads(place.job.waiting) if place.job.waiting else {}).get("path") == path
        if not waits_for_it and len(place.job.signals) >= MAX_UNUSED:
            raise ConflictError(f"The job has {MAX_UNUSED} answers that it has not used yet; answer later.")

    async def _put(self, job: JobRecord, path: str, caller: Caller | None, given: GivenAnswer) -> SignalRecord:
        signal = SignalRecord(
            key=job.key,
            path=path,
            run=job.run,
            random=self._ports.token(),
            ok=given.ok,
            value=json.dumps(given.value, ensure_ascii=False, separators=(",", ":")),
            reason=given.reason,
            by=caller.principal if caller is not None else None,
            at=self._ports.now(),
            expires_at=job.expires_at,
        )
        await self._ports.table.signals.put(signal)
        return signal


def _needs_identity(step: AskedStep) -> bool:
    return bool(step.fields.get("tags") or step.fields.get("not_sender"))


def _check_form(step: AskedStep, given: GivenAnswer) -> None:
    form: Mapping[str, Any] | None = step.fields.get("form")
    if form is None or not given.ok:
        return
    problems = compile_schema(form).find_problems(given.value, ("value",))
    if problems:
        raise InvalidPayloadError(problems)


def _was_answered(record: StepRecord) -> bool:
    return record.status in (_DONE, _REJECTED)


def _given(signal: SignalRecord) -> GivenAnswer:
    return GivenAnswer(ok=signal.ok, value=json.loads(signal.value), reason=signal.reason)


def _meaning(given: GivenAnswer) -> Any:
    """The value of a yes, or the reason of a no, by which two answers are compared. Nothing else is recorded."""
    return (True, identity(given.value)) if given.ok else (False, given.reason or None)


def _meaning_of_record(record: StepRecord) -> Any:
    if record.status == _DONE:
        return True, identity(json.loads(record.result or "{}").get("value"))
    if record.status == _REJECTED:
        message = json.loads(record.error or "{}").get("message")
        return False, None if message == NO_REASON else message
    return None
