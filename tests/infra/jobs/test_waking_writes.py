"""The conditional writes around a waiting job (rules 11 to 14), on each implementation of the table: each is refused if
the job has changed since its writer read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.jobs.jobs_table import JobsTable, Refused, Written
from infra.jobs.parking import is_asleep
from infra.jobs.records import JobKey, JobRecord
from infra.table.items import Items
from tests.infra.jobs.test_jobs_table import NOW, new_job, new_step

WAITING = '{"for":"answer","path":"ok","until":1800000600,"since":1800000000,"woken":0}'
PARKED = new_job(fence=3, cursor=4, waiting=WAITING, resume_at=NOW + 600, due=NOW + 600)
HELD = new_job(status="RUNNING", fence=3, cursor=4, lease="3-abc", lease_until=NOW + 30, attempts=1, due=NOW + 30)


class Table:
    """A table with a job for each case."""

    def __init__(self, items: Items, drive: Callable[..., Any]) -> None:
        self._table, self._drive = JobsTable(items), drive
        self._jobs = 0

    def stored(self, job: JobRecord) -> JobRecord:
        """The job, stored in the table with a unique id."""
        self._jobs += 1
        kept = job._replace(key=JobKey("t", f"job-{self._jobs}"))
        assert isinstance(self._drive(self._table.accept(kept, NOW)), Written)
        return kept

    def call(self, name: str, *arguments: Any, **more: Any) -> Written | Refused:
        answer: Written | Refused = self._drive(getattr(self._table, name)(*arguments, **more))
        return answer


@pytest.fixture
def table(items: Items, drive: Callable[..., Any]) -> Table:
    return Table(items, drive)


CHANGES: dict[str, dict[str, Any]] = {
    "redriven": {"run": 2},
    "a step further": {"cursor": 5},
    "finished": {"status": "FAILED", "due": None, "waiting": None},
    "cancelled": {"cancel": True},
    "answered": {"signals": (("ok", "other"),)},
    "woken": {"woken": 1},
}
"""Changes that may have happened to a job since it was read, one at a time."""


def test_an_answer_counts_if_the_job_is_as_it_was_judged(table: Table) -> None:
    for what, change in CHANGES.items():
        job = table.stored(PARKED._replace(**change))
        read = PARKED._replace(key=job.key)
        assert table.call("answer", read, "ok", "mine", NOW) == Refused(job), what
    job = table.stored(PARKED)
    answer = table.call("answer", job, "ok", "mine", NOW)
    assert answer == Written(job._replace(signals=(("ok", "mine"),), woken=1, due=NOW))
    again = table.call("answer", job, "ok", "mine", NOW)  # its reply was lost, and botocore sent it again
    assert again == answer
    assert isinstance(table.call("answer", job, "ok", "another", NOW), Refused)


def test_a_cancel_counts_once_and_wakes_the_job(table: Table) -> None:
    for what in ("redriven", "finished", "cancelled", "woken"):
        job = table.stored(PARKED._replace(**CHANGES[what]))
        assert table.call("cancel", PARKED._replace(key=job.key), NOW) == Refused(job), what
    job = table.stored(PARKED)
    assert table.call("cancel", job, NOW) == Written(job._replace(cancel=True, woken=1, due=NOW))


@pytest.mark.parametrize("at_once", [False, True])
def test_a_step_times_out_only_while_no_answer_to_it_counts(table: Table, at_once: bool) -> None:
    def commit(job: JobRecord) -> Written | Refused:
        after = job._replace(cursor=5, leases=((4, "3-abc"),))
        if not at_once:
            return table.call("commit", job, after, unanswered="ok")
        step = new_step(4, "3-abc", key=job.key)
        return table.call("commit_at_once", job, after, [step], unanswered="ok")

    job = table.stored(HELD._replace(signals=(("ok", "theirs"),)))
    assert commit(job._replace(signals=())) == Refused(job)
    job = table.stored(HELD._replace(signals=(("later", "theirs"),)))
    assert isinstance(commit(job), Written)


@pytest.mark.parametrize("at_once", [False, True])
def test_a_job_parks_only_if_its_owner_knows_every_cancel_and_answer(table: Table, at_once: bool) -> None:
    def park(job: JobRecord) -> Written | Refused:
        after = job._replace(status="QUEUED", lease=None, lease_until=0.0, waiting=WAITING, cursor=5)
        if not at_once:
            return table.call("commit", job, after, parks=True, unanswered="ok")
        step = new_step(4, "3-abc", key=job.key)
        return table.call("commit_at_once", job, after, [step], parks=True, unanswered="ok")

    for change in ({"woken": 1}, {"woken": 1, "cancel": True}, {"signals": (("ok", "theirs"),)}):
        job = table.stored(HELD._replace(**change))
        assert isinstance(park(HELD._replace(key=job.key)), Refused), change
    assert isinstance(park(table.stored(HELD)), Written)


def test_a_parked_job_rests_only_as_long_as_nothing_happened_to_it(table: Table) -> None:
    parked = PARKED._replace(due=NOW + 60)
    for change in ({"woken": 1}, {"fence": 4}, {"run": 2}, {"lease": "3-x", "lease_until": NOW + 30}, {"due": NOW}):
        job = table.stored(parked._replace(**change))
        assert table.call("mark_parked", parked._replace(key=job.key), 4) == Refused(job), change
    job = table.stored(parked)
    assert table.call("mark_parked", job, 4) == Written(job._replace(published=4, due=parked.resume_at))


@pytest.mark.parametrize(
    ("change", "asleep"),
    [
        ({}, True),
        ({"cancel": True}, False),
        ({"woken": 1}, False),
        ({"resume_at": NOW}, False),
        ({"resume_at": None}, False),
        ({"status": "RUNNING"}, False),
        ({"waiting": None}, False),
        ({"waiting": WAITING.replace(',"since":1800000000', "")}, False),
    ],
)
def test_a_parked_job_sleeps_until_its_time_or_until_somebody_wakes_it(change: dict[str, Any], asleep: bool) -> None:
    assert is_asleep(PARKED._replace(**change), NOW) is asleep
