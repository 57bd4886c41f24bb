"""Records as entries of the event bus: ``Step Updated`` and ``Job Finished``.

An entry is made of records alone, never of what only the process that ran the step knows: whoever publishes it, and
whenever, gives the same event id the same content.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring_ascii as quote
from typing import Any, Final

from handler.invocation.timestamps import iso
from infra.event_bus import Entry
from infra.records import JobRecord, StepRecord

STEP_UPDATED: Final = "Step Updated"
JOB_FINISHED: Final = "Job Finished"
VERSION: Final = 1
_LONG: Final = 19
"""Digits of an integer that may have more than 64 bits."""
_LONG_INTEGER: Final = re.compile(rf"\d{{{_LONG}}}")
"""What may be an integer of more than 64 bits, which EventBridge does not take."""
_BITS: Final = 63
_ENVELOPE: Final = 64
"""Bytes of an entry that are not its detail, at the most."""


class StepUpdates:
    """Makes the updates of one job's steps; what they share is written once.

    Args:
        job: the job, in the run whose updates these are.
        limit: bytes of an entry. A result that would not fit is left out, and ``result_omitted`` says so.
    """

    def __init__(self, job: JobRecord, *, limit: int) -> None:
        self._job = job
        self._limit = limit
        self._safe_characters = (limit - _ENVELOPE) // 4  # so many characters fit, whatever they are in UTF-8
        self._millis, self._moment = 0, ""
        event_id = quote(f"{job.key.tenant}/{job.key.job_id}/{job.run}/")[:-1]
        self._before = f'{{"version":{VERSION},"event_id":{event_id}'
        self._after = (
            f'","tenant":{quote(job.key.tenant)},"job":{{"id":{quote(job.key.job_id)},"name":{_text(job.name)}}}'
        )

    def entry(self, step: StepRecord) -> Entry:
        """The update of one step, from the record that counts."""
        # One unpacking in place of fifteen look-ups by name.
        (_, index, _, step_id, action, status, value, result, error, attempts, began, ended, took, _, _) = step
        position = index + 1
        head = (
            f'{self._before}{position}{self._after},"step":{{"id":{quote(step_id)},"position":{position},'
            f'"action":{quote(action)},"status":{{"name":"{status}","value":{value}}},"attempts":{attempts},'
            f'"started_at":{self._time(began)},"finished_at":{self._time(ended)},'
            f'"duration_ms":{"null" if took is None else repr(took)}'
        )
        moment = ended or self._job.created_at
        result, error = result or "null", error or "null"
        if len(result) < _LONG or _publishable(result):
            detail = f'{head},"result":{result},"error":{error}}}}}'
            entry = Entry(STEP_UPDATED, detail, moment)
            if len(detail) < self._safe_characters or entry.size <= self._limit:
                return entry
        entry = Entry(STEP_UPDATED, f'{head},"result":null,"error":{error},"result_omitted":true}}}}', moment)
        if entry.size <= self._limit:
            return entry
        return Entry(
            STEP_UPDATED, f'{head},"result":null,"error":null,"result_omitted":true,"error_omitted":true}}}}', moment
        )

    def _time(self, seconds: float | None) -> str:
        """As `_time`. A step begins when the one before it ended, to the millisecond, more often than not."""
        if seconds is None:
            return "null"
        millis = round(seconds * 1000)
        if millis != self._millis:
            self._millis, self._moment = millis, f'"{iso(seconds)}"'
        return self._moment


def job_finished(job: JobRecord) -> Entry:
    """The end of a job."""
    detail = (
        f'{_head(job, "end")},"job":{{"id":{quote(job.key.job_id)},"name":{_text(job.name)},"status":"{job.status}",'
        f'"success":{"true" if job.status == "SUCCEEDED" else "false"},"created_at":{_time(job.created_at)},'
        f'"finished_at":{_time(job.finished_at)},"steps":{job.steps},"failed_step":{job.failed_step or "null"}}}}}'
    )
    return Entry(JOB_FINISHED, detail, job.finished_at or job.created_at)


def _head(job: JobRecord, what: str) -> str:
    event_id = quote(f"{job.key.tenant}/{job.key.job_id}/{job.run}/{what}")
    return f'{{"version":{VERSION},"event_id":{event_id},"tenant":{quote(job.key.tenant)}'


def _text(text: str | None) -> str:
    return "null" if text is None else quote(text)


def _time(seconds: float | None) -> str:
    return "null" if seconds is None else f'"{iso(seconds)}"'


def _publishable(result: str) -> bool:
    """Whether EventBridge takes the numbers in it."""
    return _LONG_INTEGER.search(result) is None or not _has_long_integer(json.loads(result))


def _has_long_integer(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_long_integer, value.values()))
    if isinstance(value, list):
        return any(map(_has_long_integer, value))
    return isinstance(value, int) and value.bit_length() > _BITS
