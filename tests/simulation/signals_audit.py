"""The rules of answers: an accepted answer is used, and a step never has two answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from handler.payload.answer import GivenAnswer
from infra.jobs.job_items import partition
from infra.jobs.records import JobKey, JobRecord, StepRecord
from infra.jobs.signals_table import SIGNAL
from infra.table.items import Item
from tests.simulation.table import SimulatedTable

Asked = tuple[JobKey, int, str]
"""A job, a run of it, and the path of a step in it."""
AT_ONCE = 20.0
"""Seconds within which a woken job continues, if nothing is lost or late."""
NOT_ASKED = frozenset({"SKIPPED", "CANCELLED", "IF_CONDITION_FAILED"})
"""Statuses of a step whose accepted answer is never used; its sender may see that."""


class SignalsAudit:
    """The judge of answers, cancels and waits.

    Args:
        table: the table.
        note: records a violation.
        now: the true time.
        prompt: nothing is lost or late.
    """

    def __init__(
        self, table: SimulatedTable, note: Callable[[str], object], now: Callable[[], float], *, prompt: bool
    ) -> None:
        self._table = table
        self._note = note
        self._now = now
        self._prompt = prompt
        self._named: dict[Asked, tuple[str, float]] = {}
        self._cancelled: dict[tuple[JobKey, int], float] = {}

    def watch(self, old: JobRecord | None, job: JobRecord, truth: Mapping[tuple[JobKey, int, int], StepRecord]) -> None:
        """Judge a write of JOB."""
        if job.cancel and (old is None or not old.cancel):
            self._cancelled[job.key, job.run] = self._now()
        known = dict(old.signals) if old is not None and old.run == job.run else {}
        for path, random in job.signals:
            if known.get(path) == random:
                continue
            asked = (job.key, job.run, path)
            if path in known or asked in self._named:
                self._note(f"TWO ANSWERS to {job.key.job_id}/{path}")
            self._named[asked] = (random, self._now())
            if self._answer(asked) is None:
                self._note(f"NAMELESS: the answer {random} to {job.key.job_id}/{path} of run {job.run} does not exist")
            if job.finished or (old is not None and old.cancel):
                self._note(f"ANSWERED {job.key.job_id}/{path}, of a job that is over")
            if any(truth[job.key, job.run, index].path == path for index in range(job.cursor)):
                self._note(f"ANSWERED {job.key.job_id}/{path}, which was over")

    def accepted(self, key: JobKey, path: str, given: GivenAnswer) -> None:
        """The sender of an answer got a success: the answer must count in some run, or equal one that does."""
        for asked in self._named:
            if asked[0] == key and asked[2] == path and _meaning(self._answer(asked)) == _meaning(vars_of(given)):
                return
        self._note(f"THANKED for an answer to {key.job_id}/{path} that does not count")

    def close(
        self,
        truth: Mapping[tuple[JobKey, int, int], StepRecord],
        ends: Mapping[tuple[JobKey, int], JobRecord],
    ) -> None:
        """Judge whether every answer was used, and when."""
        recorded: dict[Asked, StepRecord] = {}
        for (key, run, _), record in truth.items():
            if record.action == "WAIT_FOR":
                recorded[key, run, record.path] = record
        for asked, (_, at) in self._named.items():
            end = recorded.get(asked)
            if end is None or end.status in NOT_ASKED:
                continue
            given = self._answer(asked) or {}
            expected = "DONE" if given.get("ok") else "REJECTED"
            if end.status != expected or not _is_answer(end, given):
                self._note(f"UNHEARD: {asked[0].job_id}/{asked[2]} was answered {given}, and is {end.status}")
            began = end.started_at or 0.0
            if self._prompt and (end.finished_at or 0.0) > max(at, began) + AT_ONCE:
                self._note(f"SLOW: {asked[0].job_id}/{asked[2]} was answered at {at}, and ended at {end.finished_at}")
        for asked, end in recorded.items():
            if end.status in ("DONE", "REJECTED") and asked not in self._named and end.lease == _owner(truth, asked):
                self._note(f"INVENTED: no answer was sent to {asked[0].job_id}/{asked[2]} in run {asked[1]}")
        for place, at in self._cancelled.items():
            job = ends.get(place)
            if self._prompt and job is not None and (job.finished_at or 0.0) > at + AT_ONCE:
                self._note(f"SLOW: {place[0].job_id} was cancelled at {at}, and ended at {job.finished_at}")

    def _answer(self, asked: Asked) -> dict[str, Any] | None:
        """The content of the answer that counts."""
        key, run, path = asked
        item: Item | None = self._table.items.get((partition(key), f"{SIGNAL}{path}#{run}#{self._named[asked][0]}"))
        return None if item is None else json.loads(str(item["answer"]))


def _owner(truth: Mapping[tuple[JobKey, int, int], StepRecord], asked: Asked) -> str | None:
    """The lease of a step's record, if it was made in this run and not kept from the previous one."""
    key, run, path = asked
    for (known, earlier, _), record in truth.items():
        if known == key and earlier == run - 1 and record.path == path:
            this = next(r for (k, n, _), r in truth.items() if (k, n, r.path) == asked)
            return None if record == this else this.lease
    return next(record.lease for (k, n, _), record in truth.items() if (k, n, record.path) == asked)


def vars_of(given: GivenAnswer) -> dict[str, Any]:
    """The content of an answer as its item stores it."""
    return {"ok": given.ok, "value": given.value, "reason": given.reason}


def _meaning(answer: Mapping[str, Any] | None) -> Any:
    if answer is None:
        return None
    return (True, answer["value"]) if answer["ok"] else (False, answer["reason"])


def _is_answer(record: StepRecord, given: Mapping[str, Any]) -> bool:
    if record.status == "DONE":
        return bool(json.loads(record.result or "{}").get("value") == given.get("value"))
    return given.get("reason") is None or json.loads(record.error or "{}").get("message") == given["reason"]
