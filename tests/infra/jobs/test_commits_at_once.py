"""Commits and acceptances that are one transaction, on each implementation of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from infra.jobs.jobs_table import JobsTable, Refused, Written
from infra.jobs.records import JobKey, JobRecord, PayloadRecord, StepRecord
from infra.jobs.records_table import fits_at_once
from infra.table.items import Items

NOW = 1_800_000_000.25
KEY = JobKey("t", "j")
EXPIRES = int(NOW) + 86_400
PAYLOAD = PayloadRecord(key=KEY, hash="p1", payload='{"steps":[]}', rights="{}", expires_at=EXPIRES)
JOB = JobRecord(
    key=KEY,
    name=None,
    status="RUNNING",
    payload="p1",
    payload_hash="h1",
    created_at=NOW,
    expires_at=EXPIRES,
    fence=1,
    lease="1-a",
    lease_until=NOW + 30,
    due=NOW + 30,
    attempts=1,
)


def step(index: int, lease: str = "1-a", result: str = "1") -> StepRecord:
    return StepRecord(
        key=KEY,
        index=index,
        lease=lease,
        step_id=str(index + 1),
        path=str(index + 1),
        action="TEXT.JOIN",
        status="DONE",
        status_value=0,
        result=result,
        error=None,
        attempts=1,
        started_at=NOW,
        finished_at=NOW + 0.001,
        duration_ms=1.0,
        variables=None,
        expires_at=EXPIRES,
    )


class Driven:
    def __init__(self, items: Items, drive: Callable[..., Any]) -> None:
        self.table, self.drive = JobsTable(items), drive

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **kwargs: self.drive(
            getattr(self.table if hasattr(self.table, name) else self.table.records, name)(*args, **kwargs)
        )


@pytest.fixture
def table(items: Items, drive: Callable[..., Any]) -> Driven:
    return Driven(items, drive)


@pytest.fixture
def held(table: Driven) -> JobRecord:
    job: JobRecord = table.accept(JOB, NOW).job
    return job


def moved(held: JobRecord, **fields: Any) -> JobRecord:
    return held._replace(cursor=1, leases=((0, "1-a"),), attempts=0, **fields)


def test_a_commit_at_once_puts_its_records_and_moves_the_cursor(table: Driven, held: JobRecord) -> None:
    assert table.commit_at_once(held, moved(held), [step(0)]) == Written(moved(held))
    job = table.read(KEY, NOW)
    assert job == moved(held)
    assert table.read_steps(job) == [step(0)]


def test_it_shows_a_cancel_that_came_meanwhile(table: Driven, held: JobRecord) -> None:
    table.cancel(held, NOW)
    assert table.commit_at_once(held, moved(held), [step(0)]) == Written(moved(held, cancel=True, woken=1))
    job = table.read(KEY, NOW)
    assert (job.cursor, job.cancel) == (1, True)
    after = job._replace(cursor=2, status="CANCELLED", lease=None, lease_until=0.0)
    assert table.commit_at_once(job, after, [step(1)]) == Written(after), "the job exists already"


@pytest.mark.parametrize("stale", [{"lease": "9-other"}, {"cursor": 1}, {"attempts": 5}])
@pytest.mark.parametrize("cancelled", [False, True])
def test_a_transaction_of_a_stale_owner_is_refused_and_puts_nothing(
    table: Driven, held: JobRecord, stale: dict[str, Any], cancelled: bool
) -> None:
    if cancelled:
        table.cancel(held, NOW)
    thought = held._replace(**stale)
    after = thought._replace(cursor=thought.cursor + 1, leases=((0, thought.lease or ""),))
    assert isinstance(table.commit_at_once(thought, after, [step(thought.cursor, "9-other")]), Refused)
    job = table.read(KEY, NOW)
    assert job.cursor == 0
    assert table.drive(table.table._items.query("t#j", "STEPS#", "STEPS#~")) == []


def test_a_commit_made_again_after_a_lost_reply_is_known_again(table: Driven, held: JobRecord) -> None:
    """DynamoDB itself recognises a repetition by its token; this one has another token and is recognised as well."""
    for _ in range(2):
        assert table.commit_at_once(held, moved(held), [step(0)]) == Written(moved(held))
    table.cancel(held, NOW)
    assert table.commit_at_once(held, moved(held), [step(0)]) == Written(moved(held, cancel=True, woken=1, due=NOW))


def test_an_acceptance_at_once_is_done_once(table: Driven) -> None:
    after = moved(JOB)
    for _ in range(2):
        assert table.accept_at_once(after, PAYLOAD, [step(0)], NOW) == Written(after)
    assert table.read_payload(after) == PAYLOAD
    assert table.read_steps(after) == [step(0)]
    other = after._replace(created_at=NOW + 1, lease="1-b", leases=((0, "1-b"),))
    assert table.accept_at_once(other, replace(PAYLOAD, rights="[]"), [step(0, "1-b")], NOW) == Refused(after)
    assert table.read_payload(after) == PAYLOAD
    later = EXPIRES + 1.5
    assert (
        table.accept_at_once(other._replace(expires_at=EXPIRES * 2), PAYLOAD, [step(0, "1-b")], later).job.lease
        == "1-b"
    )


def test_a_transaction_holds_less_than_4_megabytes() -> None:
    assert fits_at_once(PAYLOAD, [step(n) for n in range(5000)]), "many records fit into few items"
    wide = "\u20ac" * 100_000  # three bytes each
    assert fits_at_once(None, [step(n, result=wide) for n in range(12)])
    assert not fits_at_once(None, [step(n, result=wide) for n in range(13)])
    assert not fits_at_once(replace(PAYLOAD, payload="x" * 4_000_000), [])
