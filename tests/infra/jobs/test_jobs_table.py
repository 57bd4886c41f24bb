"""The conditional writes of the protocol, on each implementation of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.errors import NewerRecordError
from infra.jobs.job_items import FIRST_SHARDS, QUEUED_SHARDS, job_item
from infra.jobs.jobs_index import Place
from infra.jobs.jobs_table import JobsTable, Refused, Written
from infra.jobs.records import VERSION, JobKey, JobRecord, PayloadRecord, StepRecord
from infra.table.items import Items

NOW = 1_800_000_000.25
KEY = JobKey("tenant#1", "job-1")


def new_job(**fields: Any) -> JobRecord:
    return JobRecord(
        **{
            "key": KEY,
            "name": "A name",
            "status": "QUEUED",
            "payload": "p1",
            "payload_hash": "h1",
            "created_at": NOW,
            "expires_at": int(NOW) + 86_400 * 30,
            "ends_at": NOW + 86_400,
            **fields,
        }
    )


def new_step(index: int, lease: str, **fields: Any) -> StepRecord:
    return StepRecord(
        **{
            "key": KEY,
            "index": index,
            "lease": lease,
            "step_id": str(index + 1),
            "path": str(index + 1),
            "action": "TEXT.JOIN",
            "status": "DONE",
            "status_value": 0,
            "result": '"Hällo"',
            "error": None,
            "attempts": 1,
            "started_at": NOW + 0.001,
            "finished_at": NOW + 0.002,
            "duration_ms": 1.0,
            "variables": None,
            "expires_at": int(NOW) + 86_400 * 30,
            **fields,
        }
    )


class Driven:
    """The table, its coroutines driven to their end."""

    def __init__(self, table: JobsTable, drive: Callable[..., Any]) -> None:
        self._table = table
        self._drive = drive

    def __getattr__(self, name: str) -> Callable[..., Any]:
        owners = (self._table, self._table.records, self._table.index)
        owner = next(owner for owner in owners if hasattr(owner, name))
        return lambda *args, **kwargs: self._drive(getattr(owner, name)(*args, **kwargs))

    def accepted(self, **fields: Any) -> JobRecord:
        answer = self.accept(new_job(**fields), NOW)
        assert isinstance(answer, Written)
        return answer.job

    def claimed(self) -> JobRecord:
        answer = self.claim(self.accepted(), token="abc", until=NOW + 30, now=NOW)
        assert isinstance(answer, Written)
        return answer.job


@pytest.fixture
def table(items: Items, drive: Callable[..., Any]) -> Driven:
    return Driven(JobsTable(items), drive)


def test_a_record_comes_back_as_it_was_written(table: Driven) -> None:
    job = new_job(
        status="RUNNING",
        cursor=2,
        published=1,
        fence=7,
        lease="7-ab",
        lease_until=NOW + 30.5,
        leases=((0, "6-cd"), (1, "7-ab")),
        attempts=2,
        started=True,
        tries=1,
        hand_overs=3,
        run=2,
        cancel=True,
        due=NOW + 30.5,
        sweeps=1,
        started_at=NOW + 1,
        finished_at=NOW + 2,
        resume_at=NOW + 3,
        failed_step='{"id":"1"}',
    )
    assert table.accept(job, NOW) == Written(job)
    assert table.read(KEY, NOW) == job


def test_a_job_is_accepted_once(table: Driven) -> None:
    first = table.accepted()
    assert table.accept(new_job(created_at=NOW + 1, payload_hash="h2"), NOW) == Refused(first)


def test_an_expired_job_is_absent_and_makes_room(table: Driven) -> None:
    table.accepted(expires_at=int(NOW) + 10)
    assert table.read(KEY, NOW + 11) is None
    later = new_job(created_at=NOW + 11, expires_at=int(NOW) + 100)
    assert isinstance(table.accept(later, NOW + 11), Written)


def test_a_claim_takes_the_next_fence_and_a_lease_of_its_own_and_counts_as_an_attempt(table: Driven) -> None:
    job = table.claimed()
    assert (job.fence, job.lease, job.attempts, job.status) == (1, "1-abc", 1, "RUNNING")
    assert job.due == job.lease_until == NOW + 30


def test_a_job_is_claimed_by_one_of_two_who_read_it_at_once(table: Driven) -> None:
    read = table.accepted()
    first = table.claim(read, token="a", until=NOW + 30, now=NOW)
    second = table.claim(read, token="b", until=NOW + 30, now=NOW)
    assert isinstance(first, Written)
    assert second == Refused(first.job)


def test_no_two_claims_have_the_same_fence_though_the_job_looks_as_it_was_read(table: Driven) -> None:
    read = table.accepted()
    held = table.claim(read, token="a", until=NOW + 30, now=NOW).job
    table.commit(held, held._replace(status="QUEUED", lease=None, lease_until=0.0, attempts=0))
    assert isinstance(table.claim(read, token="b", until=NOW + 30, now=NOW), Refused)


def test_a_held_job_is_not_claimed_until_its_lease_is_over(table: Driven) -> None:
    held = table.claimed()
    assert isinstance(table.claim(held, token="b", until=NOW + 60, now=NOW + 30), Refused)
    taken = table.claim(held, token="b", until=NOW + 60, now=NOW + 30.1)
    assert (taken.job.fence, taken.job.lease, taken.job.attempts) == (2, "2-b", 2)


def test_a_commit_moves_the_cursor_and_shows_a_cancel_that_came_meanwhile(table: Driven) -> None:
    held = table.claimed()
    table.cancel(held, NOW)
    answer = table.commit(held, held._replace(cursor=1, leases=((0, held.lease),), attempts=0))
    assert isinstance(answer, Written)
    assert (answer.job.cursor, answer.job.cancel) == (1, True)


@pytest.mark.parametrize("stale", [{"lease": "9-other"}, {"cursor": 1}, {"attempts": 5}])
def test_a_commit_of_a_stale_owner_is_refused(table: Driven, stale: dict[str, Any]) -> None:
    held = table.claimed()._replace(**stale)
    answer = table.commit(held, held._replace(cursor=2, leases=((0, held.lease),)))
    assert isinstance(answer, Refused)
    assert table.read(KEY, NOW).cursor == 0


def test_a_commit_repeated_after_a_lost_reply_is_known_again(table: Driven) -> None:
    held = table.claimed()
    for after in (
        held._replace(attempts=2, started=True),
        held._replace(cursor=1, leases=((0, held.lease),), attempts=0),
        held._replace(cursor=1, leases=((0, held.lease),), status="QUEUED", lease=None, lease_until=0.0, hand_overs=1),
    ):
        before = table.read(KEY, NOW)
        before = before._replace(lease=held.lease)
        first = table.commit(before, after._replace(cursor=max(after.cursor, before.cursor)))
        again = table.commit(before, after._replace(cursor=max(after.cursor, before.cursor)))
        assert isinstance(first, Written)
        assert again == first


def test_a_release_repeated_after_somebody_else_claimed_does_not_undo_the_claim(table: Driven) -> None:
    held = table.claimed()
    released = held._replace(status="QUEUED", lease=None, lease_until=0.0, hand_overs=1, attempts=0)
    table.commit(held, released)
    next_owner = table.claim(table.read(KEY, NOW), token="b", until=NOW + 60, now=NOW + 1).job
    assert table.commit(held, released) == Refused(next_owner)


def test_only_the_owner_of_a_claim_can_commit(table: Driven) -> None:
    job = table.accepted()
    with pytest.raises(ValueError, match="not claimed"):
        table.commit(job, job._replace(cursor=1))


def test_of_two_records_of_a_step_the_one_under_the_lease_that_committed_counts(table: Driven) -> None:
    held = table.claimed()
    orphan, counting = new_step(0, "0-dead", result='"lost"'), new_step(0, held.lease)
    beyond = new_step(1, held.lease)
    table.put(None, [orphan])
    table.put(None, [counting, beyond])
    job = table.commit(held, held._replace(cursor=1, leases=((0, held.lease),))).job
    assert table.read_steps(job) == [counting]
    assert table.read_step(job, 0) == counting
    assert table.read_step(job, 1) is None


def test_a_payload_comes_back_under_its_hash(table: Driven) -> None:
    payload = PayloadRecord(key=KEY, hash="p1", payload='{"steps":[]}', rights="{}", expires_at=int(NOW) + 100)
    table.put(payload, ())
    job = table.accepted()
    assert table.read_payload(job) == payload
    assert table.read_payload(job._replace(payload="p2")) is None


def test_published_is_moved_in_the_same_run_only_and_never_back(table: Driven) -> None:
    ended = table.accepted(status="FAILED", cursor=3, due=NOW + 60)
    partly = table.mark_published(ended, 2).job
    assert (partly.published, partly.due) == (2, NOW + 60)
    assert isinstance(table.mark_published(ended, 1), Refused)
    full = table.mark_published(ended, 4).job
    assert (full.published, full.due) == (4, None)
    driven = full._replace(run=2, status="QUEUED", cursor=0, published=0, due=NOW + 99)
    assert isinstance(table.redrive(full, driven), Written)
    assert isinstance(table.mark_published(ended, 4), Refused)
    assert table.read(KEY, NOW).due == NOW + 99


def test_an_unfinished_job_can_be_cancelled_and_a_finished_one_cannot(table: Driven) -> None:
    job = table.accepted()
    cancelled = table.cancel(job, NOW).job
    assert (cancelled.cancel, cancelled.woken, cancelled.due) == (True, 1, NOW)
    assert table.cancel(job, NOW) == Written(cancelled), "its own write, recognised"
    assert isinstance(table.cancel(job, NOW + 1), Refused), "another caller has set it"
    assert table.claim(job, token="t", until=NOW + 30, now=NOW).job.cancel, "the claim notices the cancel"
    ended = table.accepted(key=JobKey("tenant", "ended"), status="SUCCEEDED")
    assert table.cancel(ended, NOW) == Refused(ended)


def test_a_cancel_of_a_job_that_is_not_there_makes_none(table: Driven) -> None:
    assert table.cancel(new_job(), NOW) == Refused(None)
    assert table.read(KEY, NOW) is None


def test_a_job_is_run_on_by_one_of_two_who_ask_at_once_and_forgets_its_cancel(table: Driven) -> None:
    ended = table.accepted(status="CANCELLED", cancel=True, cursor=3, published=4)
    after = ended._replace(run=2, status="QUEUED", cursor=1, published=1, cancel=False, due=NOW + 60)
    first = table.redrive(ended, after)
    assert (first.job.run, first.job.cancel, first.job.status) == (2, False, "QUEUED")
    assert table.redrive(ended, after) == first, "its own write, recognised"
    assert isinstance(table.redrive(ended, after._replace(due=NOW + 61)), Refused)


def test_due_moves_only_if_the_job_is_as_it_was_read(table: Driven) -> None:
    job = table.accepted(due=NOW + 60)
    moved = table.move_due(job, NOW + 120, swept=True).job
    assert (moved.due, moved.sweeps) == (NOW + 120, 1)
    assert isinstance(table.move_due(job, NOW + 180), Refused)
    held = table.claim(moved, token="t", until=NOW + 30, now=NOW).job
    assert held.sweeps == 0
    assert isinstance(table.move_due(moved._replace(due=held.due), NOW + 180), Refused)


def test_only_due_jobs_are_found(table: Driven) -> None:
    for number in range(8):
        due = NOW + number if number % 2 else None
        table.accept(new_job(key=JobKey("t", f"j{number}"), due=due), NOW)
    pages = [table.list_due(shard, NOW + 5, limit=10) for shard in QUEUED_SHARDS]
    assert sorted(key.job_id for page in pages for key in page.keys) == ["j1", "j3", "j5"]
    assert {len(table.list_due(shard, NOW + 5, limit=10).keys) for shard in FIRST_SHARDS} == {0}


@pytest.mark.parametrize(("fields", "shard"), [({}, "b"), ({"status": "RUNNING"}, "a"), ({"waiting": "{}"}, "a")])
def test_queued_jobs_are_swept_after_those_that_crashed_or_wait(fields: dict[str, Any], shard: str) -> None:
    item = job_item(new_job(due=NOW, **fields))
    assert str(item["shard"])[0] == shard
    assert "shard" not in job_item(new_job(due=None, **fields)), "a job that is not swept takes no space in the index"


def test_a_job_of_a_later_format_is_left_alone(table: Driven, items: Items, drive: Callable[..., Any]) -> None:
    item = job_item(new_job()) | {"version": VERSION + 1}
    drive(items.put_all([item]))
    for ask in (
        lambda: table.read(KEY, NOW),
        lambda: table.cancel(new_job(), NOW),
        lambda: table.accept(new_job(), NOW),
    ):
        with pytest.raises(NewerRecordError, match="version 2"):
            ask()


def test_attributes_of_a_later_release_are_ignored_and_kept(
    table: Driven, items: Items, drive: Callable[..., Any]
) -> None:
    drive(items.put_all([job_item(new_job()) | {"colour": "blue"}]))
    held = table.claim(table.read(KEY, NOW), token="t", until=NOW + 30, now=NOW).job
    table.commit(held, held._replace(cursor=1, leases=((0, held.lease),)))
    assert drive(items.get("tenant#1#job-1", "JOB"))["colour"] == "blue"


def test_a_tenants_jobs_are_listed_newest_first_page_by_page(table: Driven) -> None:
    for number in range(5):
        table.accept(new_job(key=JobKey("t", f"j{number}"), created_at=NOW + number), NOW)
    table.accept(new_job(key=JobKey("t2", "other")), NOW)
    first, more = table.list_jobs("t", limit=3)
    assert ([job.key.job_id for job in first], more) == (["j4", "j3", "j2"], True)
    rest, _ = table.list_jobs("t", limit=3, after=Place("j2", first[-1].created_at))
    assert [job.key.job_id for job in rest] == ["j1", "j0"]
