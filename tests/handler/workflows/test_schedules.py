from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.messaging.scheduler import Timetable
from tests.handler.conftest import CrashError
from tests.handler.http.client import Client, expect_problem
from tests.handler.workflows.conftest import GREET

WORK = {"steps": [{"action": "PROBE.WORK", "parameters": {"name": "{< name >}"}}]}
NIGHTLY = {"workflow": "work", "parameters": {"name": "n"}, "cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}


@pytest.fixture(autouse=True)
def _workflow(client: Client) -> None:
    assert client.send("PUT", "/workflows/work", WORK).status == 201


def _put(client: Client, id_: str, body: Any) -> Any:
    return client.send("PUT", f"/schedules/{id_}", body)


def _firing(id_: str, at: float | str, tenant: str = "tenant") -> dict[str, Any]:
    text = at if isinstance(at, str) else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"schedule": {"tenant": tenant, "id": id_, "at": text}}


def _fire(world: Any, id_: str, at: float | str, *, receives: int = 1, message: str = "m") -> list[str]:
    again: list[str] = world.receive(world.message(_firing(id_, at), id=message, receives=receives))
    return again


def _jobs(client: Client) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = client.get("/jobs").json["jobs"]
    return jobs


def _dropped(world: Any) -> list[str]:
    return [dict(dimensions)["Reason"] for (name, dimensions) in world.metrics._counts if name == "DroppedFirings"]


# ---------------------------------------------------------------------- putting a schedule


def test_a_schedule_is_put_at_eventbridge_and_shows_its_next_times(client: Client, world: Any) -> None:
    answer = _put(client, "nightly", NIGHTLY)  # it is Friday, 15 January 2027, 08:00 UTC
    assert answer.status == 201
    assert answer.json == {
        "id": "nightly",
        **NIGHTLY,
        "overlap": "allow",
        "enabled": True,
        "next": [f"2027-01-{day}T08:00:00.000Z" for day in (18, 19, 20, 21, 22)],
    }
    assert client.get("/schedules/nightly").json == answer.json
    assert world.scheduler.standing == {
        ("tenant", "nightly"): Timetable(
            expression="cron(0 9 ? * MON,TUE,WED,THU,FRI *)", timezone="Europe/Berlin", start=None, enabled=True
        )
    }
    assert _put(client, "nightly", NIGHTLY).status == 200


def test_next_times_follow_the_clock_over_a_change_of_it(client: Client) -> None:
    shown = _put(client, "s", {"workflow": "work", "cron": "30 2 28 3,10 *", "timezone": "Europe/Berlin"}).json["next"]
    assert shown[0] == "2027-10-28T00:30:00.000Z"  # 28 March 2027 has no 02:30


def test_an_interval_begins_one_interval_ahead_and_keeps_its_rhythm(client: Client, world: Any) -> None:
    body = {"workflow": "work", "every": "15 minutes"}
    assert _put(client, "s", body).json["next"][0] == "2027-01-15T08:15:00.000Z"
    assert world.scheduler.standing["tenant", "s"].start == world.clock.now + 900
    world.clock.now += 3600 + 60
    assert _put(client, "s", {**body, "overlap": "skip"}).json["next"][0] == "2027-01-15T09:15:00.000Z"
    assert world.scheduler.standing["tenant", "s"] == Timetable(
        expression="rate(15 minutes)", timezone="UTC", start=1_800_000_000 + 4500, enabled=True
    )
    assert _put(client, "s", {**body, "every": "1 hour"}).json["next"][0] == "2027-01-15T10:01:00.000Z"


def test_one_time_is_read_in_its_zone_unless_it_has_an_offset(client: Client, world: Any) -> None:
    body = {"workflow": "work", "at": "2027-07-01T09:00:00", "timezone": "America/New_York"}
    assert _put(client, "s", body).json["next"] == ["2027-07-01T13:00:00.000Z"]
    assert world.scheduler.standing["tenant", "s"].expression == "at(2027-07-01T13:00:00)"
    assert world.scheduler.standing["tenant", "s"].timezone == "UTC"
    assert _put(client, "s", {**body, "at": "2027-07-01T09:00:00Z"}).json["next"] == ["2027-07-01T09:00:00.000Z"]


def test_a_time_that_is_over_is_refused_unless_it_was_there_before(client: Client, world: Any) -> None:
    body = {"workflow": "work", "at": "2027-01-15T08:30:00Z"}
    assert _put(client, "s", body).status == 201
    world.clock.now += 3600
    answer = _put(client, "s", body)
    assert (answer.status, answer.json["next"]) == (200, [])
    assert not world.scheduler.standing["tenant", "s"].enabled
    expect_problem(_put(client, "t", body), 422, "invalid")


def test_a_paused_schedule_has_no_next_times_and_does_not_fire(client: Client, world: Any) -> None:
    assert _put(client, "s", {**NIGHTLY, "enabled": False}).json["next"] == []
    assert not world.scheduler.standing["tenant", "s"].enabled
    assert _fire(world, "s", world.clock.now) == []
    assert (_jobs(client), _dropped(world)) == ([], ["paused"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"cron": "0 9 * *"}, "/cron"),
        ({"cron": "0 9 1 * 1"}, "/cron"),
        ({"cron": None}, "/cron"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"overlap": "queue"}, "/overlap"),
        ({"enabled": "yes"}, "/enabled"),
        ({"workflow": "none"}, "/workflow"),
        ({"workflow": "a b"}, "/workflow"),
        ({"parameters": []}, "/parameters"),
        ({"every": "1 hour"}, "/every"),
        ({"id": "x"}, "/id"),
        ({"rights": {}}, "/rights"),
    ],
)
def test_an_invalid_schedule_is_refused(client: Client, world: Any, change: dict[str, Any], pointer: str) -> None:
    problem = expect_problem(_put(client, "s", {**NIGHTLY, **change}), 422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert client.get("/schedules/s").status == 404
    assert world.scheduler.standing == {}


def test_a_schedule_needs_one_time_and_only_one(client: Client) -> None:
    expect_problem(_put(client, "s", {"workflow": "work"}), 422, "invalid")
    for kind, text in (("every", "1 week"), ("every", "0 days"), ("at", "soon"), ("at", "2027-03-28T02:30:00")):
        body = {"workflow": "work", kind: text, "timezone": "Europe/Berlin"}
        problem = expect_problem(_put(client, "s", body), 422, "invalid")
        assert problem["errors"][0]["pointer"] == f"/{kind}"


def test_parameters_are_checked_when_the_schedule_is_put(client: Client) -> None:
    client.send("PUT", "/workflows/greet", GREET)
    body = {"workflow": "greet", "every": "1 hour", "parameters": {"who": 3}}
    problem = expect_problem(_put(client, "s", body), 422, "invalid")
    assert problem["errors"][0]["pointer"] == "/parameters/who"


# ---------------------------------------------------------------------- tenants, lists, deletes


def test_another_tenants_schedule_does_not_exist(client: Client, stranger: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    for method in ("GET", "DELETE"):
        expect_problem(stranger.send(method, "/schedules/s"), 404, "not-found")
    assert stranger.get("/schedules").json == {"schedules": [], "cursor": None}
    expect_problem(_put(stranger, "s", NIGHTLY), 422, "invalid")  # nor does its workflow
    stranger.send("PUT", "/workflows/work", WORK)
    assert _put(stranger, "s", NIGHTLY).status == 201
    assert set(world.scheduler.standing) == {("tenant", "s"), ("stranger", "s")}
    stranger.send("DELETE", "/schedules/s")
    assert set(world.scheduler.standing) == {("tenant", "s")}


def test_a_list_goes_by_id_page_by_page(client: Client) -> None:
    for id_ in ("b", "a", "c"):
        _put(client, id_, NIGHTLY)
    first = client.get("/schedules?limit=2").json
    assert [found["id"] for found in first["schedules"]] == ["a", "b"]
    assert len(first["schedules"][0]["next"]) == 5
    second = client.get(f"/schedules?cursor={first['cursor']}").json
    assert ([found["id"] for found in second["schedules"]], second["cursor"]) == (["c"], None)


def test_a_deleted_schedule_is_gone_here_and_at_eventbridge(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    assert client.send("DELETE", "/schedules/s").status == 204
    assert world.scheduler.standing == {}
    expect_problem(client.get("/schedules/s"), 404, "not-found")
    expect_problem(client.send("DELETE", "/schedules/s"), 404, "not-found")


@pytest.mark.parametrize(("limit", "status"), [(3, 201), (2, 409)])
def test_a_tenant_has_as_many_schedules_as_it_may(client: Client, world: Any, limit: int, status: int) -> None:
    world.set(max_schedules=limit)
    assert [_put(client, id_, NIGHTLY).status for id_ in ("a", "b", "c")] == [201, 201, status]


def test_the_next_put_mends_a_schedule_that_eventbridge_did_not_take(client: Client, world: Any) -> None:
    world.scheduler.down = True
    expect_problem(_put(client, "s", NIGHTLY), 503, "unavailable")
    world.scheduler.down = False
    assert _put(client, "s", NIGHTLY).status == 200
    assert ("tenant", "s") in world.scheduler.standing


def test_a_schedule_that_eventbridge_did_not_delete_is_still_there(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    world.scheduler.down = True
    expect_problem(client.send("DELETE", "/schedules/s"), 503, "unavailable")
    assert client.get("/schedules/s").status == 200


def test_after_two_puts_at_once_eventbridge_and_the_table_agree(client: Client, world: Any) -> None:
    done = []

    def interfere(call: str) -> None:
        if call == "schedule" and not done:
            done.append(call)
            _put(client, "s", {**NIGHTLY, "cron": "0 5 * * *"})

    world.items.before = interfere
    _put(client, "s", NIGHTLY)
    assert client.get("/schedules/s").json["cron"] == "0 5 * * *"
    assert world.scheduler.standing["tenant", "s"].expression == "cron(0 5 * * ? *)"


def test_a_schedule_that_is_deleted_while_it_is_put_is_not_left_at_eventbridge(client: Client, world: Any) -> None:
    done = []

    def interfere(call: str) -> None:
        if call == "schedule" and not done:
            done.append(call)
            assert client.send("DELETE", "/schedules/s").status == 204

    world.items.before = interfere
    _put(client, "s", NIGHTLY)
    assert world.scheduler.standing == {}


# ---------------------------------------------------------------------- firing


def test_a_firing_starts_the_workflow_with_the_schedules_parameters(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    assert _fire(world, "s", world.clock.now) == []
    (job,) = _jobs(client)
    assert (job["status"], job["workflow"]) == ("SUCCEEDED", {"name": "work", "version": 1})
    assert job["id"].startswith("__")
    assert world.ran == ["n"]
    expect_problem(client.post("/jobs", {"id": job["id"], "steps": []}), 422, "invalid")


def test_a_double_firing_is_one_job_even_if_its_parameters_changed(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    at = world.clock.now
    _fire(world, "s", at)
    _put(client, "s", {**NIGHTLY, "parameters": {"name": "other"}})
    client.send("PUT", "/workflows/work", {"steps": []})
    assert _fire(world, "s", at, message="m2") == []
    assert _fire(world, "s", at, message="m2", receives=2) == []
    assert (len(_jobs(client)), world.ran, world.queue.rejected) == (1, ["n"], [])


def test_two_messages_of_one_firing_at_the_same_time_have_one_effect(client: Client, world: Any) -> None:
    """The second message arrives at each moment at which the first is about to write."""
    client.send("PUT", "/workflows/work", {"steps": [{"action": "PROBE.CHARGE"}]})
    _put(client, "s", {"workflow": "work", "every": "1 hour"})
    for number in range(1, 8):
        at, seen = world.clock.now + 60 * number, []

        def interfere(call: str, number: int = number, at: float = at, seen: list[str] = seen) -> None:
            if call in ("put_if", "put_all", "update_if", "put_all_with"):
                seen.append(call)
                if len(seen) == number:
                    world.items.before = lambda _: None
                    _fire(world, "s", at, message="second")

        world.ran.clear()
        world.items.before = interfere
        _fire(world, "s", at, message="first")
        world.items.before = lambda _: None
        world.drain_queue()
        jobs = [job for job in _jobs(client) if job["status"] == "SUCCEEDED"]
        assert (len(world.ran), len(jobs)) == (1, number), number


def test_two_instants_are_two_jobs(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    _fire(world, "s", world.clock.now)
    _fire(world, "s", world.clock.now + 60)
    assert len(_jobs(client)) == 2


def test_a_firing_reads_the_schedule_as_it_is_when_it_fires(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    _put(client, "s", {**NIGHTLY, "parameters": {"name": "changed"}})
    _fire(world, "s", world.clock.now)
    assert world.ran == ["changed"]


def test_a_firing_without_its_schedule_is_dropped(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    client.send("DELETE", "/schedules/s")
    assert _fire(world, "s", world.clock.now) == []
    assert (_jobs(client), _dropped(world), world.queue.rejected) == ([], ["deleted"], [])


def test_a_firing_whose_workflow_was_deleted_is_dropped(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    for key in [key for key in world.table.items if key[0].endswith("#.workflow")]:
        del world.table.items[key]  # as happens if a schedule is put while its workflow is deleted
    assert _fire(world, "s", world.clock.now) == []
    assert (_jobs(client), _dropped(world)) == ([], ["workflow"])


@pytest.mark.parametrize(("late", "jobs"), [(86_400, 1), (86_401, 0)])
def test_a_firing_that_is_more_than_a_day_late_is_dropped(client: Client, world: Any, late: int, jobs: int) -> None:
    _put(client, "s", NIGHTLY)
    assert _fire(world, "s", world.clock.now - late) == []
    assert len(_jobs(client)) == jobs
    assert _dropped(world) == ([] if jobs else ["late"])


def test_jobs_have_the_rights_of_the_caller_who_put_the_schedule_last(
    client: Client, trusted: Client, world: Any
) -> None:
    trusted.send("PUT", "/workflows/special", {"steps": [{"action": "PROBE.SPECIAL"}]})
    body = {"workflow": "special", "every": "1 hour"}
    statuses = []
    for number, caller in enumerate((trusted, client, trusted)):
        _put(caller, "s", body)
        world.clock.now += 60
        _fire(world, "s", world.clock.now, message=f"m{number}")
        statuses.append(_jobs(client)[0]["status"])
    assert statuses == ["SUCCEEDED", "FAILED", "SUCCEEDED"]


def test_parameters_that_no_longer_fit_go_to_the_dead_letter_queue(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    client.send("PUT", "/workflows/work", {**WORK, "inputs": {"properties": {"name": {"type": "integer"}}}})
    assert _fire(world, "s", world.clock.now) == []
    assert len(world.queue.rejected) == 1
    assert _jobs(client) == []


@pytest.mark.parametrize(
    "body",
    [
        {"schedule": {"tenant": "tenant", "id": "s", "at": "now"}},
        {"schedule": {"tenant": "tenant", "id": "s"}},
        {"schedule": {"tenant": "tenant", "id": "s", "at": "2027-01-15T08:00:00Z", "parameters": {}}},
        {"schedule": {"tenant": "tenant", "id": "s", "at": "2027-01-15T08:00:00Z"}, "workflow": "work"},
        {"schedule": {"tenant": 1, "id": "s", "at": "2027-01-15T08:00:00Z"}},
        {"schedule": "s"},
        {"schedule": None, "workflow": None},
        {"workflow": 1},
        {"workflow": "work", "tenant": "stranger"},
        {"workflow": "work", "parameters": []},
        {"workflow": "none"},
        {"workflow": "work", "id": "__s-1"},
    ],
)
def test_a_message_that_can_never_work_goes_to_the_dead_letter_queue(client: Client, world: Any, body: Any) -> None:
    _put(client, "s", NIGHTLY)
    assert world.receive(world.message(body)) == []
    assert len(world.queue.rejected) == 1
    assert _jobs(client) == []


def test_a_firing_whose_worker_dies_is_worked_off_by_its_next_receive(client: Client, world: Any) -> None:
    client.send("PUT", "/workflows/work", {"steps": [{"action": "PROBE.CHARGE"}]})
    _put(client, "s", {"workflow": "work", "every": "1 hour"})
    at = world.clock.now

    def die(call: str) -> None:
        if call == "update_if":
            world.crash()
            raise CrashError

    world.items.before = die
    _fire(world, "s", at)
    world.restart()
    client.send("PUT", "/workflows/work", {"steps": []})
    world.clock.now += 400
    assert _fire(world, "s", at, receives=2) == []
    (job,) = _jobs(client)
    assert (job["status"], job["workflow"]["version"], len(world.ran)) == ("SUCCEEDED", 2, 2)


# ---------------------------------------------------------------------- overlaps and limits


def _park(client: Client, world: Any, id_: str, **fields: Any) -> None:
    """Put a schedule whose job waits a long time for its second try."""
    retry = {"attempts": 2, "delay": 7200, "max_delay": 7200}
    step = {"action": "PROBE.CHARGE", "parameters": {"fail": True}, "retry": retry}
    client.send("PUT", "/workflows/slow", {"steps": [step]})
    assert _put(client, id_, {"workflow": "slow", "every": "1 hour", **fields}).status == 201
    _fire(world, id_, world.clock.now)
    assert [job["status"] for job in _jobs(client)] == ["QUEUED"]


def test_with_skip_an_unfinished_job_keeps_the_next_from_starting(client: Client, world: Any) -> None:
    _park(client, world, "s", overlap="skip")
    world.clock.now += 3600
    assert _fire(world, "s", world.clock.now) == []
    assert (len(_jobs(client)), _dropped(world)) == (1, ["overlap"])
    client.post(f"/jobs/{_jobs(client)[0]['id']}/cancel")
    world.drain_queue()
    _fire(world, "s", world.clock.now + 60)
    assert len(_jobs(client)) == 2


def test_skip_counts_jobs_that_were_started_while_overlaps_were_allowed(client: Client, world: Any) -> None:
    _park(client, world, "s")
    for _ in range(4):
        world.clock.now += 60
        _fire(world, "s", world.clock.now)
    _put(client, "s", {"workflow": "slow", "every": "1 hour", "overlap": "skip"})
    for job in _jobs(client)[:-1]:
        client.post(f"/jobs/{job['id']}/cancel")
    for message in list(world.queue.sent):
        world.receive(world.message(message["body"]))
    assert [job["status"] for job in _jobs(client)] == [*["CANCELLED"] * 4, "QUEUED"]
    world.clock.now += 60
    _fire(world, "s", world.clock.now)
    assert _dropped(world) == ["overlap"]


def test_with_skip_the_same_firing_again_is_its_own_job(client: Client, world: Any) -> None:
    _park(client, world, "s", overlap="skip")
    assert _fire(world, "s", world.clock.now, message="m2") == []
    assert (len(_jobs(client)), _dropped(world)) == (1, [])


def test_schedules_do_not_keep_each_other_from_starting(client: Client, world: Any) -> None:
    _park(client, world, "s", overlap="skip")
    _put(client, "t", {"workflow": "slow", "every": "1 hour", "overlap": "skip"})
    _fire(world, "t", world.clock.now)
    assert len(_jobs(client)) == 2


def test_the_list_of_firings_does_not_grow_with_jobs_that_ended(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    for _ in range(30):
        world.clock.now += 60
        _fire(world, "s", world.clock.now)
    (item,) = [item for key, item in world.table.items.items() if key[0].endswith("#.schedule-firings")]
    assert len(json.loads(item["body"])) <= 2


def test_at_the_limit_of_running_jobs_a_firing_waits_in_the_queue_for_an_hour(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    client.post("/jobs", {"steps": []}, prefer="respond-async")
    world.set(max_running_jobs=1)
    at = world.clock.now
    assert _fire(world, "s", at) == ["m"]
    assert world.queue.postponed == [("receipt-m", 300.0)]
    world.clock.now += 3599
    assert _fire(world, "s", at, receives=12) == ["m"]
    world.clock.now += 1
    assert _fire(world, "s", at, receives=13) == []
    assert _dropped(world) == ["limit"]
    assert world.ran == []


def test_a_firing_that_waited_runs_when_there_is_room(client: Client, world: Any) -> None:
    _put(client, "s", NIGHTLY)
    client.post("/jobs", {"id": "other", "steps": []}, prefer="respond-async")
    world.set(max_running_jobs=1)
    at = world.clock.now
    assert _fire(world, "s", at) == ["m"]
    world.drain_queue()
    world.clock.now += 240
    assert _fire(world, "s", at, receives=2) == []
    assert world.ran == ["n"]


# ---------------------------------------------------------------------- a workflow by its name


def test_a_message_starts_a_workflow_of_the_queues_tenant(client: Client, world: Any) -> None:
    assert world.receive(world.message({"workflow": "work", "parameters": {"name": "a"}}, id="m1")) == []
    assert world.receive(world.message({"workflow": "work", "parameters": {"name": "b"}, "id": "mine"})) == []
    assert world.ran == ["a", "b"]
    assert {job["id"] for job in _jobs(client)} == {"m1", "mine"}
    assert {job["workflow"]["name"] for job in _jobs(client)} == {"work"}


def test_a_message_that_is_repeated_is_one_job(client: Client, world: Any) -> None:
    body = {"workflow": "work", "parameters": {"name": "a"}, "id": "mine"}
    for number in range(2):
        assert world.receive(world.message(body, id=f"m{number}")) == []
    assert world.receive(world.message(body, receives=2)) == []
    assert (world.ran, world.queue.rejected) == (["a"], [])
    assert world.receive(world.message({**body, "parameters": {"name": "b"}}, id="m9")) == []
    assert len(world.queue.rejected) == 1
    assert client.get("/jobs/mine").json["status"] == "SUCCEEDED"


def test_a_job_that_only_speaks_of_workflows_is_a_job(client: Client, world: Any) -> None:
    body = {"id": "j", "parameters": {"workflow": "work", "schedule": {}}, "steps": []}
    assert world.receive(world.message(body)) == []
    assert client.get("/jobs/j").json["workflow"] is None
