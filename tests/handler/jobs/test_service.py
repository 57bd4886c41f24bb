"""The guarantees for callers that send, read, cancel and redrive jobs."""

from __future__ import annotations

from typing import Any

import pytest

from handler.caller import Caller
from handler.errors import ConflictError, InvalidRequestError, NotFoundError, TooManyJobsError, UnavailableError
from handler.jobs import listing, room
from handler.jobs.cursor import encode_cursor
from handler.jobs.listing import JobFilter
from handler.payload.parse import parse
from infra.jobs.jobs_table import JobsTable, Refused
from infra.jobs.records import JobRecord
from tests.handler.conftest import CHARGE, FAIL, WORK, drive

SLOW_CHARGE = {**CHARGE, "id": "slow", "parameters": {"seconds": 9}}


def test_a_job_that_finishes_while_its_sender_waits_is_created(world: Any) -> None:
    sent = world.submit(WORK, {"action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "{: 1 :}"}}, id="j")
    assert sent.kind == "created"
    assert sent.job["status"] == "SUCCEEDED"
    assert [step["result"] for step in sent.job["steps"]] == ["work", "a work"]


def test_reading_a_job_shows_the_same_as_its_submission(world: Any) -> None:
    sent = world.submit(WORK, FAIL, WORK, id="j", variables={"a": [1, {"b": None}]})
    assert world.get("j") == sent.job


def test_a_failed_job_names_the_step_that_failed_it(world: Any) -> None:
    sent = world.submit(WORK, FAIL | {"id": "second"}, FAIL | {"forced": True}, id="j")
    assert (sent.job["status"], sent.job["success"]) == ("FAILED", False)
    assert sent.job["failed_step"] == {
        "id": "second",
        "path": "second",
        "position": 2,
        "action": "PROBE.WORK",
        "status": {"name": "UNHANDLED_EXCEPTION", "value": 101},
    }


def test_an_empty_job_succeeds(world: Any) -> None:
    assert world.submit(id="j").job["success"] is True
    assert world.bus.ids() == ["1/end"]


def test_the_same_job_sent_again_runs_once_and_is_known(world: Any) -> None:
    first = world.submit(CHARGE, id="j")
    again = world.submit(CHARGE, id="j")
    assert (first.kind, again.kind) == ("created", "known")
    assert again.job == first.job
    assert world.ran == ["tenant/j/1/1"]


def test_another_job_under_a_taken_id_is_a_conflict_and_has_no_effect(world: Any) -> None:
    world.submit(WORK, id="j")
    with pytest.raises(ConflictError, match="'j'"):
        world.submit(CHARGE, id="j")
    assert world.ran == ["work"]


def test_ids_are_a_tenants_own(world: Any) -> None:
    world.submit(CHARGE, id="j")
    other = world.submit(CHARGE, id="j", caller=Caller(tenant="other"))
    assert other.kind == "created"
    assert world.ran == ["tenant/j/1/1", "other/j/1/1"]
    with pytest.raises(NotFoundError):
        world.get("j", tenant="third")


def test_a_job_without_an_id_gets_one_of_its_own(world: Any) -> None:
    assert world.submit(WORK).job["id"] != world.submit(WORK).job["id"]


def test_respond_async_accepts_before_it_answers_and_runs_nothing(world: Any) -> None:
    sent = world.submit(CHARGE, id="j", respond_async=True)
    assert (sent.kind, sent.job["status"], world.ran) == ("accepted", "QUEUED", [])
    assert [step["status"]["name"] for step in sent.job["steps"]] == ["NONE"]
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"
    assert world.ran == ["tenant/j/1/1"]


def test_respond_async_of_a_known_job_sends_no_second_message(world: Any) -> None:
    world.submit(WORK, id="j", respond_async=True)
    world.clock.now += 0.001
    assert world.submit(WORK, id="j", respond_async=True).kind == "known"
    assert len(world.queue.sent) == 1


def test_a_job_longer_than_its_sender_is_kept_waiting_goes_on_in_the_queue(world: Any) -> None:
    slow = {"action": "PROBE.WORK", "parameters": {"seconds": 12}}
    sent = world.submit(slow, slow, slow, id="j", life=100)
    assert (sent.kind, sent.job["status"]) == ("accepted", "QUEUED")
    world.drain_queue(life=100)
    assert world.statuses("j") == ["DONE"] * 3


@pytest.mark.parametrize(
    "inside",
    [
        {"for_each": [1], "do": [SLOW_CHARGE]},
        {"choose": [{"if": True, "do": [{"id": "t", "try": [SLOW_CHARGE]}]}]},
    ],
)
def test_an_effect_inside_a_loop_or_a_branch_is_not_cut_for_a_waiting_sender(
    world: Any, inside: dict[str, Any]
) -> None:
    sent = world.submit({"id": "l", **inside}, {"id": "after", "action": "PROBE.WORK"}, id="j", wait=2)
    assert sent.kind == "accepted"
    ends = {one["id"]: one["status"]["name"] for one in sent.job["steps"]}
    assert (ends["slow"], ends["after"]) == ("DONE", "NONE")
    world.drain_queue()
    assert len(world.ran) == 2, "nothing ran twice"


def test_waiting_no_longer_than_asked_stops_a_pure_job_and_goes_on_in_the_queue(world: Any) -> None:
    began = world.clock.now
    sent = world.submit({"action": "PROBE.WORK", "parameters": {"seconds": 9}}, id="j", wait=2)
    assert sent.kind == "accepted"
    assert world.clock.now - began == 2
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"


def test_waiting_no_longer_than_asked_never_stops_an_effect_halfway(world: Any) -> None:
    sent = world.submit({"action": "PROBE.CHARGE", "parameters": {"seconds": 9}}, CHARGE, id="j", wait=2)
    assert sent.kind == "accepted"
    assert [step["status"]["name"] for step in sent.job["steps"]] == ["DONE", "NONE"]
    world.drain_queue()
    assert world.ran == ["tenant/j/1/1", "tenant/j/1/2"]


def test_an_invocation_without_time_accepts_and_runs_nothing(world: Any) -> None:
    sent = world.submit(CHARGE, id="j", life=0)
    assert (sent.kind, world.ran) == ("accepted", [])


def test_a_tenant_with_as_many_unfinished_jobs_as_it_may_have_waits(world: Any) -> None:
    caller = Caller(tenant="tenant", max_running_jobs=1)
    world.submit(WORK, id="done", caller=caller)
    world.submit(WORK, id="first", caller=caller, respond_async=True)
    with pytest.raises(TooManyJobsError):
        world.submit(WORK, id="second", caller=caller)
    world.drain_queue()
    assert world.submit(WORK, id="second", caller=caller).kind == "created"


def test_a_failing_service_is_reported_with_a_time_to_retry(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    from infra.errors import TryLaterError  # noqa: PLC0415 (one test's)

    def fail(_: str) -> None:
        raise TryLaterError("throttled")

    world.items.before = fail
    with pytest.raises(UnavailableError) as told:
        world.submit(WORK, id="j")
    assert told.value.retry_after > 0
    assert "AWS failed a request" in caplog.text
    assert world.metrics.counted("ServiceFailures") == 1


def test_a_bus_that_is_down_delays_updates_and_nothing_else(world: Any) -> None:
    world.bus.down = True
    assert world.submit(WORK, id="j").kind == "created"
    assert world.bus.events == []
    world.bus.down = False
    world.recover()
    assert world.bus.ids() == ["1/1", "1/end"]


def test_a_queue_that_is_down_does_not_lose_a_job_that_was_accepted(world: Any) -> None:
    world.queue.down = True
    assert world.submit(WORK, id="j", respond_async=True).kind == "accepted"
    world.queue.down = False
    world.recover()
    assert world.get("j")["status"] == "SUCCEEDED"


def test_a_list_shows_the_newest_first_and_goes_on_at_its_cursor(world: Any) -> None:
    for number in range(5):
        world.submit(WORK if number % 2 else FAIL, id=f"j{number}")
        world.clock.now += 1
    world.submit(WORK, id="other", caller=Caller(tenant="other"))
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        page = drive(world.jobs.list_jobs(world.caller, limit=2, cursor=cursor))
        seen += [job["id"] for job in page["jobs"]]
        cursor = page["cursor"]
    assert (seen, cursor) == (["j4", "j3", "j2", "j1", "j0"], None)
    failed = drive(world.jobs.list_jobs(world.caller, JobFilter(status="FAILED")))
    assert [job["id"] for job in failed["jobs"]] == ["j4", "j2", "j0"]
    assert "steps" not in failed["jobs"][0]
    assert "variables" not in failed["jobs"][0]


@pytest.mark.parametrize("wrong", ["x", "", "W10", "eyJhIjoxfQ", "Wy4uLCAxXQ", "\u00e9"])
def test_a_cursor_that_no_page_gave_is_refused(world: Any, wrong: str) -> None:
    with pytest.raises(InvalidRequestError):
        drive(world.jobs.list_jobs(world.caller, cursor=wrong))


def test_a_cursor_of_another_tenant_shows_nothing_of_it(world: Any) -> None:
    for number in range(3):
        world.submit(WORK, id=f"j{number}")
        world.clock.now += 1
    cursor = drive(world.jobs.list_jobs(world.caller, limit=1))["cursor"]
    assert drive(world.jobs.list_jobs(Caller(tenant="other"), cursor=cursor))["jobs"] == []


def test_a_cancelled_job_runs_none_of_the_steps_that_are_left(world: Any) -> None:
    world.submit(WORK, CHARGE | {"forced": True}, id="j", respond_async=True)
    drive(world.jobs.cancel(world.caller, "j"))
    world.drain_queue()
    job = world.get("j")
    assert (job["status"], world.ran) == ("CANCELLED", [])
    assert world.statuses("j") == ["CANCELLED", "CANCELLED"]


def test_a_cancel_reaches_a_job_that_is_running_before_its_next_effect(world: Any) -> None:
    slow = {"action": "PROBE.CHARGE", "parameters": {"seconds": 2}}

    def cancel_once(name: str) -> None:
        if name == "put_all" and len(world.ran) == 1:
            world.items.after = lambda _: None
            drive(world.jobs.cancel(world.caller, "j"))

    world.items.after = cancel_once
    sent = world.submit(slow, CHARGE, id="j")
    assert sent.job["status"] == "CANCELLED"
    assert [step["status"]["name"] for step in sent.job["steps"]] == ["DONE", "CANCELLED"]
    assert world.ran == ["tenant/j/1/1"]


def test_a_finished_job_cannot_be_cancelled(world: Any) -> None:
    world.submit(WORK, id="j")
    with pytest.raises(ConflictError):
        drive(world.jobs.cancel(world.caller, "j"))
    with pytest.raises(NotFoundError):
        drive(world.jobs.cancel(world.caller, "none"))


def test_a_cancel_or_redrive_that_loses_to_other_writers_says_so(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.submit(WORK, id="j", respond_async=True)
    world.submit(FAIL, id="f")

    async def lose(_: JobsTable, job: JobRecord, *__: Any) -> Refused:
        return Refused(job)

    monkeypatch.setattr(JobsTable, "cancel", lose)
    monkeypatch.setattr(JobsTable, "redrive", lose)
    with pytest.raises(UnavailableError, match="try again"):
        drive(world.jobs.cancel(world.caller, "j"))
    with pytest.raises(ConflictError, match="just been redriven"):
        drive(world.jobs.redrive(world.caller, "f"))


def test_a_job_that_expired_while_it_was_cancelled_is_not_found(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.submit(WORK, id="j", respond_async=True)

    async def lose(*_: Any) -> Refused:
        return Refused(None)

    monkeypatch.setattr(JobsTable, "cancel", lose)
    with pytest.raises(NotFoundError):
        drive(world.jobs.cancel(world.caller, "j"))


def test_a_job_that_can_be_neither_accepted_nor_found_is_sent_again(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: Any, **__: Any) -> Refused:
        return Refused(None)

    monkeypatch.setattr(JobsTable, "accept", lose)
    with pytest.raises(UnavailableError, match="send it again"):
        world.submit(WORK, id="j", respond_async=True)


def test_a_filtered_list_reads_so_many_pages_and_goes_on_at_its_cursor(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE", 2)
    monkeypatch.setattr(listing, "PAGES", 2)
    for number in range(6):
        world.clock.now += 1
        world.submit(FAIL if number == 0 else WORK, id=f"j{number}")
    failed = JobFilter(status="FAILED")
    page, place = drive(listing.find_jobs(world.ports, world.caller, failed, limit=2, cursor=None))
    assert page == []
    assert place is not None
    cursor = encode_cursor(place)
    page, place = drive(listing.find_jobs(world.ports, world.caller, failed, limit=2, cursor=cursor))
    assert ([job.key.job_id for job in page], place) == (["j0"], None)


def test_unfinished_jobs_are_counted_among_so_many_of_the_newest(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PAGE", 2)
    monkeypatch.setattr(room, "PAGES", 2)
    limited = Caller(tenant="tenant", max_running_jobs=1)
    world.submit(WORK, id="old", respond_async=True)
    for number in range(4):
        with pytest.raises(TooManyJobsError):
            world.submit(WORK, id="more", caller=limited, respond_async=True)
        world.clock.now += 1
        world.submit(WORK, id=f"j{number}")
    assert world.submit(WORK, id="more", caller=limited, respond_async=True).kind == "accepted"


def test_a_redrive_whose_values_make_the_job_too_large_is_refused(world: Any) -> None:
    world.submit(FAIL, id="j")
    with pytest.raises(InvalidRequestError, match="With these values the job has"):
        drive(world.jobs.redrive(world.caller, "j", variables={"v": "x" * world.caller.payload_limit}))


def test_a_failed_job_runs_on_from_its_failed_step_with_earlier_results_kept(world: Any) -> None:
    retry = {"action": "PROBE.CHARGE", "parameters": {"fail": "{< fail >}"}}
    world.submit(CHARGE, retry, CHARGE, id="j", parameters={"fail": True})
    first = world.get("j")
    world.bus.events.clear()
    answer = drive(world.jobs.redrive(world.caller, "j", parameters={"fail": False}))
    assert answer["status"] == "QUEUED"
    world.drain_queue()
    job = world.get("j")
    assert job["status"] == "SUCCEEDED"
    assert job["steps"][0] == first["steps"][0]
    assert world.ran == ["tenant/j/1/1", "tenant/j/1/2", "tenant/j/2/2", "tenant/j/2/3"]
    assert world.bus.ids() == ["2/2", "2/3", "2/end"]


def test_a_job_runs_on_from_an_earlier_step_if_asked(world: Any) -> None:
    world.submit(WORK | {"id": "a"}, WORK | {"id": "b"}, FAIL | {"id": "c"}, WORK | {"id": "d"}, id="j")
    drive(world.jobs.redrive(world.caller, "j", from_step="b"))
    world.drain_queue()
    assert world.ran == ["work"] * 5
    for late in ("d", "e"):
        with pytest.raises(InvalidRequestError):
            drive(world.jobs.redrive(world.caller, "j", from_step=late))


def test_a_cancelled_job_can_be_redriven(world: Any) -> None:
    world.submit(CHARGE, id="j", respond_async=True)
    drive(world.jobs.cancel(world.caller, "j"))
    world.drain_queue()
    drive(world.jobs.redrive(world.caller, "j"))
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"


def test_only_a_job_that_failed_or_was_cancelled_can_be_redriven(world: Any) -> None:
    world.submit(WORK, id="good")
    world.submit(WORK, id="waiting", respond_async=True)
    for job_id in ("good", "waiting"):
        with pytest.raises(ConflictError):
            drive(world.jobs.redrive(world.caller, job_id))


def test_a_job_that_expires_within_25_hours_cannot_be_redriven(world: Any) -> None:
    world.submit(FAIL, id="j")
    world.clock.now = world.record("j").expires_at - 25 * 3600 + 1
    with pytest.raises(ConflictError, match="expires"):
        drive(world.jobs.redrive(world.caller, "j"))


def test_a_job_is_not_redriven_before_its_last_updates_are_published(world: Any) -> None:
    world.bus.down = True
    world.submit(FAIL, id="j")
    with pytest.raises(UnavailableError):
        drive(world.jobs.redrive(world.caller, "j"))
    world.bus.down = False
    drive(world.jobs.redrive(world.caller, "j"))
    assert world.bus.ids() == ["1/1", "1/end"]


def test_a_redrive_by_a_caller_with_fewer_rights_takes_the_others_away(world: Any) -> None:
    step = {"action": "PROBE.CHARGE", "parameters": {"fail": True}}
    boss = Caller(tenant="tenant", tags=frozenset({"PAY", "SEE"}))
    world.submit(step, id="j", caller=boss)
    drive(world.jobs.redrive(Caller(tenant="tenant", tags=frozenset({"SEE"})), "j"))
    payload = world.table.get("tenant#j", f"PAYLOAD#{world.record('j').payload}")
    assert payload["rights"] == '{"step_limit":null,"tags":["SEE"]}'
    world.drain_queue()
    drive(world.jobs.redrive(Caller(tenant="tenant", tags=frozenset({"SEE", "PAY"})), "j"))
    payload = world.table.get("tenant#j", f"PAYLOAD#{world.record('j').payload}")
    assert payload["rights"] == '{"step_limit":null,"tags":["SEE"]}', "a redrive never adds rights"


def test_an_expired_job_counts_as_absent_and_frees_its_id(world: Any) -> None:
    world.submit(WORK, id="j")
    world.clock.now = world.record("j").expires_at + 1
    with pytest.raises(NotFoundError):
        world.get("j")
    assert world.submit(CHARGE, id="j").kind == "created"


def test_a_direct_invocation_runs_and_gives_the_job(world: Any) -> None:
    job = drive(world.jobs.run(world.caller, parse({"id": "j", "steps": [WORK]}), lifetime=world.lifetime()))
    assert (job["id"], job["status"]) == ("j", "SUCCEEDED")


def test_one_step_is_read_with_a_result_too_large_for_the_whole_job(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handler.jobs.view.RESULTS_LIMIT", 10)
    world.submit({"action": "PROBE.WORK", "id": "a", "parameters": {"name": "x" * 20}}, WORK | {"id": "b"}, id="j")
    large, small = world.get("j")["steps"]
    assert (large["result"], large["result_omitted"], small["result"]) == (None, True, "work")
    step = drive(world.jobs.get_step(world.caller, "j", "a"))
    assert (step["result"], "result_omitted" in step) == ("x" * 20, False)
    with pytest.raises(NotFoundError):
        drive(world.jobs.get_step(world.caller, "j", "c"))
