"""Makes entries for the event bus from records: ``Step Updated``, ``Steps Updated``, ``Job Waiting``, ``Job Finished``.

An entry is made only from records, never from facts that only the running process knows. So if another process
publishes an entry again, it has the same event id and the same content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from json.encoder import encode_basestring_ascii as quote
from typing import Any, Final

from handler.invocation.timestamps import iso
from infra.jobs.records import JobRecord, StepRecord
from infra.messaging.event_bus import Entry

STEP_UPDATED: Final = "Step Updated"
STEPS_UPDATED: Final = "Steps Updated"
JOB_WAITING: Final = "Job Waiting"
JOB_FINISHED: Final = "Job Finished"
GROUP_BYTES: Final = 60 * 1024
"""The largest group of updates, in bytes: EventBridge bills each 64 KB of an event."""
OUTPUT_BYTES: Final = 64 * 1024
"""The largest output of a job in an event, in bytes."""
OUTPUT: Final = "output"
"""Path and id of the implicit last step, which evaluates the output."""
_OUTPUT_ACTION: Final = "OUTPUT"
VERSION: Final = 1
_LONG: Final = 19
"""An integer with this many digits may have more than 64 bits."""
_LONG_INTEGER: Final = re.compile(rf"\d{{{_LONG}}}")
"""Matches digits that may be an integer of more than 64 bits, which EventBridge does not accept."""
_BITS: Final = 63
_WIDEST: Final = 4
"""The largest number of bytes of a character."""
_ENVELOPE: Final = 64
"""The largest number of bytes of an entry besides its detail."""
_GROUP_HEAD: Final = 64
"""Bytes of a group's detail besides its steps and the job."""


class StepUpdates:
    """Makes the updates of one job's steps. Their common part is encoded once.

    Args:
        job: the job, in the run of the updates.
        steps: all records of the job, in order: the position of a loop is that of its *open* record.
        limit: the largest entry, in bytes. A result that does not fit is left out and marked with ``result_omitted``.
    """

    def __init__(self, job: JobRecord, steps: Sequence[StepRecord], *, limit: int) -> None:
        self._job = job
        self._limit = limit
        self._surely = limit // _WIDEST - _ENVELOPE  # this many characters always fit
        self._millis, self._moment = 0, ""
        self._opened = {step.path: step.index for step in steps if step.phase == "open"}
        event_id = quote(f"{job.key.tenant}/{job.key.job_id}/{job.run}/")[:-1]
        self._id = f'"event_id":{event_id}'
        self._before = f'{{"version":{VERSION},{self._id}'
        self._tenant = f'"tenant":{quote(job.key.tenant)}'
        self._whose = f'{self._tenant},"job":{{"id":{quote(job.key.job_id)},"name":{_text(job.name)}}}'

    def entry(self, step: StepRecord) -> Entry:
        """The update of one step, from its record that counts."""
        moment = step.finished_at or self._job.created_at
        head = f'{self._before}{step.index + 1}",{self._whose},"step":{{{self._head(step)}'
        for rest in _rests(step):
            entry = Entry(STEP_UPDATED, f"{head}{rest}}}}}", moment)
            if len(entry.detail) <= self._surely or entry.size <= self._limit:
                return entry
        return entry

    def groups(self, steps: Sequence[StepRecord]) -> Iterator[tuple[int, Entry]]:
        """Updates of consecutive steps in groups, in order; each group with the index of its first record.

        A group has no id: another publisher may group the steps differently, so consumers use the ids of steps.
        """
        texts: list[str] = []
        first, size, moment = 0, 0, self._job.created_at
        for step in steps:
            text = self._grouped(step)
            weight = len(text) if text.isascii() else len(text.encode())
            if texts and size + weight > GROUP_BYTES:
                yield first, self._group(texts, moment)
                texts, size = [], 0
            if not texts:
                first = step.index
            texts.append(text)
            size += weight + 1
            moment = step.finished_at or moment
        if texts:
            yield first, self._group(texts, moment)

    def _grouped(self, step: StepRecord) -> str:
        head = f'{{{self._id}{step.index + 1}",{self._head(step)}'
        for rest in _rests(step):
            text = f"{head}{rest}}}"
            size = len(text) if text.isascii() else len(text.encode())
            if size <= self._limit - _ENVELOPE - len(self._whose.encode()) - _GROUP_HEAD:
                return text
        return text

    def _group(self, texts: Sequence[str], moment: float) -> Entry:
        detail = f'{{"version":{VERSION},{self._whose},"steps":[{",".join(texts)}]}}'
        return Entry(STEPS_UPDATED, detail, moment)

    def _head(self, step: StepRecord) -> str:
        """The fields of a step, without its result and its error.

        The JSON is written by hand: `json.dumps` would take 8 % more CPU of a job of 10 steps, 16 % of one of 100.
        """
        position = 1 + (self._opened.get(step.path, step.index) if step.phase == "close" else step.index)
        took, known = step.duration_ms, quote(step.step_id)
        return (
            f'"id":{known},"path":{known if step.path == step.step_id else quote(step.path)},"position":{position},'
            f'"action":{quote(step.action)},"status":{{"name":"{step.status}","value":{step.status_value}}},'
            f'"attempts":{step.attempts},'
            f'"started_at":{self._time(step.started_at)},"finished_at":{self._time(step.finished_at)},'
            f'"duration_ms":{"null" if took is None else repr(took)}'
        )

    def _time(self, seconds: float | None) -> str:
        """Like the function `_time`, but caches the latest: most steps begin in the millisecond in which the last one
        ended.

        This saves 6 % of the CPU of a job of 100 steps.
        """
        if seconds is None:
            return "null"
        millis = round(seconds * 1000)
        if millis != self._millis:
            self._millis, self._moment = millis, f'"{iso(seconds)}"'
        return self._moment


def _rests(step: StepRecord) -> Iterator[str]:
    """Yield a step's result and error as JSON: first both, then only the error, then neither."""
    result, error = step.result or "null", step.error or "null"
    if len(result) < _LONG or _publishable(result):
        yield f',"result":{result},"error":{error}'
    yield f',"result":null,"error":{error},"result_omitted":true'
    yield ',"result":null,"error":null,"result_omitted":true,"error_omitted":true'


def job_waiting(job: JobRecord, waiting: Mapping[str, Any]) -> Entry:
    """The entry for a job that has parked until it is answered.

    Args:
        job: the job as it was parked.
        waiting: the content of ``JOB.waiting``.
    """
    path = waiting["path"]
    detail = (
        f'{_head(job, f"waiting/{path}")},"job":{{"id":{quote(job.key.job_id)},"name":{_text(job.name)}}},'
        f'"waiting":{{"for":{quote(waiting["for"])},"path":{quote(path)},"until":{_time(waiting["until"])}}},'
        f'"message":{json.dumps(waiting.get("message"), separators=(",", ":"))}}}'
    )
    return Entry(JOB_WAITING, detail, float(waiting["since"]))


def job_finished(job: JobRecord, steps: Sequence[StepRecord], *, limit: int) -> Entry:
    """The entry for the end of a job.

    Args:
        job: the job as it ended.
        steps: the job's records; its output is the result of the last one, if that is the implicit step ``output``.
        limit: the largest entry, in bytes.
    """
    head = (
        f'{_head(job, "end")},"job":{{"id":{quote(job.key.job_id)},"name":{_text(job.name)},"status":"{job.status}",'
        f'"success":{"true" if job.status == "SUCCEEDED" else "false"},"created_at":{_time(job.created_at)},'
        f'"finished_at":{_time(job.finished_at)},"steps":{job.cursor},"failed_step":{job.failed_step or "null"}'
    )
    moment = job.finished_at or job.created_at
    output = output_of(job, steps) or "null"
    if len(output.encode()) <= OUTPUT_BYTES and _publishable(output):
        entry = Entry(JOB_FINISHED, f'{head},"output":{output}}}}}', moment)
        if entry.size <= limit:
            return entry
    return Entry(JOB_FINISHED, f'{head},"output":null,"output_omitted":true}}}}', moment)


def output_of(job: JobRecord, steps: Sequence[StepRecord]) -> str | None:
    """The output of a job as JSON; ``None`` if it has none or did not succeed."""
    if job.status != "SUCCEEDED" or not steps:
        return None
    last = steps[-1]
    return last.result if (last.path, last.action) == (OUTPUT, _OUTPUT_ACTION) else None


def _head(job: JobRecord, what: str) -> str:
    event_id = quote(f"{job.key.tenant}/{job.key.job_id}/{job.run}/{what}")
    return f'{{"version":{VERSION},"event_id":{event_id},"tenant":{quote(job.key.tenant)}'


def _text(text: str | None) -> str:
    return "null" if text is None else quote(text)


def _time(seconds: float | None) -> str:
    return "null" if seconds is None else f'"{iso(seconds)}"'


def _publishable(result: str) -> bool:
    """Whether EventBridge accepts all numbers in a result."""
    return _LONG_INTEGER.search(result) is None or not _has_long_integer(json.loads(result))


def _has_long_integer(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_long_integer, value.values()))
    if isinstance(value, list):
        return any(map(_has_long_integer, value))
    return isinstance(value, int) and value.bit_length() > _BITS
