"""Which messages are redelivered, which go to the dead-letter queue, and which are acknowledged."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.errors import MisconfiguredError, TryLaterError
from infra.jobs.jobs_table import JobsTable, Refused
from infra.jobs.records import JobRecord
from tests.handler.conftest import CHARGE, WORK, drive

JOB = {"id": "j", "steps": [CHARGE]}
POINTER = {"resume": {"tenant": "tenant", "job_id": "j"}}


def test_a_message_is_a_job(world: Any) -> None:
    assert world.receive(world.message(JOB)) == []
    assert world.get("j")["status"] == "SUCCEEDED"
    assert world.bus.ids() == ["1/1", "1/end"]


def test_the_queues_tenant_and_tags_come_from_the_deployment(world: Any) -> None:
    world.set(queue_tags=("PAY",))
    world.receive(world.message(JOB))
    payload = world.table.get("tenant#j", f"PAYLOAD#{world.record('j').payload}")
    assert json.loads(payload["rights"]) == {"tags": ["PAY"], "step_limit": 1000}


def test_a_message_delivered_five_times_runs_its_job_once(world: Any) -> None:
    for receives in range(1, 6):
        assert world.receive(world.message(JOB, receives=receives)) == []
    assert world.ran == ["tenant/j/1/1"]


def test_without_an_id_the_message_id_is_the_jobs(world: Any) -> None:
    world.receive(world.message({"steps": [CHARGE]}, id="5f9b-1"))
    assert world.get("5f9b-1")["status"] == "SUCCEEDED"


def test_a_message_without_an_id_that_came_before_is_replaced_by_a_pointer(world: Any) -> None:
    assert world.receive(world.message({"steps": [CHARGE]}, id="m9", receives=2)) == []
    assert world.ran == []
    assert [json.loads(sent["body"]) for sent in world.queue.sent] == [{"resume": {"tenant": "tenant", "job_id": "m9"}}]
    world.drain_queue()
    assert world.get("m9")["status"] == "SUCCEEDED"


def test_a_message_that_came_before_is_accepted_and_claimed_before_it_runs(world: Any) -> None:
    def look(name: str) -> None:
        if name == "update_if":
            job = world.record("j")
            assert (job.lease is not None, job.attempts) == (True, 1)
            world.items.after = lambda _: None

    world.items.after = look
    assert world.receive(world.message(JOB, receives=2)) == []
    assert world.get("j")["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("not json", "not JSON"),
        ('{"steps": 1}', "/steps"),
        ("[]", "object"),
        ('{"resume": {"tenant": 1}}', "resume"),
        ('{"id": "j", "steps": [], "tags": ["ADMIN"]}', "/tags"),
        ('{"id": "\\ud800", "steps": []}', "id"),
    ],
)
def test_a_message_that_can_never_be_a_job_goes_to_the_dead_letter_queue_at_once(
    world: Any, body: str, problem: str
) -> None:
    assert world.receive(world.message(body)) == []
    assert [rejected for rejected, _ in world.queue.rejected] == [body]
    assert problem in world.queue.rejected[0][1]


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("CANARY", "INVALID_JSON"),
        ('{"CANARY": 1, "steps": []}', "UNKNOWN_FIELD"),
        ('{"steps": [{"action": "X", "CANARY": 1}]}', "UNKNOWN_FIELD"),
        ('{"id": "CANARY!", "steps": []}', "INVALID_ID"),
        ('{"steps": [{"wait_for": {"timeout": 1, "form": {"CANARY": 1}}}]}', "UNKNOWN_FIELD"),
        ('{"workflow": "CANARY"}', "INVALID_FIELD"),
        ('{"workflow": "w", "CANARY": 1}', "UNKNOWN_FIELD"),
        ('{"id": "CANARY", "name": "another", "steps": []}', "CONFLICT"),
    ],
)
def test_the_log_of_a_rejected_message_holds_nothing_that_a_user_wrote(
    world: Any, caplog: pytest.LogCaptureFixture, body: str, codes: str
) -> None:
    world.receive(world.message({"id": "CANARY", "steps": []}))
    caplog.clear()
    world.receive(world.message(body))
    assert "CANARY" in world.queue.rejected[-1][0]
    (line,) = [vars(record) for record in caplog.records if record.levelname == "WARNING"]
    assert "CANARY" not in str(line)
    assert line["codes"] == codes


def test_the_log_of_a_rejected_message_says_why_where_the_deployment_logs_payloads(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    world.set(log_payloads=True)
    world.receive(world.message({"steps": [], "surprise": 1}))
    assert "surprise" in str(vars(caplog.records[-1]))


def test_a_message_that_cannot_be_rejected_now_comes_again(world: Any) -> None:
    world.queue.down = True
    assert world.receive(world.message("not json")) == ["m1"]


def test_another_job_under_a_taken_id_is_rejected(world: Any) -> None:
    world.receive(world.message(JOB))
    for receives in (1, 2):
        assert world.receive(world.message({"id": "j", "steps": [WORK]}, id="m2", receives=receives)) == []
    assert len(world.queue.rejected) == 2
    assert "another job" in world.queue.rejected[0][1]


@pytest.mark.parametrize("body", [JOB, POINTER])
def test_a_held_jobs_message_is_never_acknowledged_and_comes_back_when_the_lease_ends(world: Any, body: Any) -> None:
    world.submit(CHARGE, id="j", respond_async=True)
    job = world.record("j")
    drive(world.ports.table.claim(job, token="t", until=world.clock.now + 100, now=world.clock.now))
    body = body if body is POINTER else {"id": "j", "steps": [CHARGE]}
    assert world.receive(world.message(body)) == ["m1"]
    ((receipt, seconds),) = world.queue.postponed
    assert receipt == "receipt-m1"
    assert 100 <= seconds <= 102
    assert world.ran == []
    world.clock.now += seconds
    assert world.receive(world.message(body, receives=2)) == []
    assert world.ran == ["tenant/j/1/1"]


def test_a_pointer_to_a_job_that_is_not_there_is_dropped(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert world.receive(world.message({"resume": {"tenant": "x", "job_id": "y"}})) == []
    assert "does not exist" in caplog.text


@pytest.mark.parametrize(
    "pointer",
    [
        {"resume": {**POINTER["resume"], "later": [1]}},
        {**POINTER, "later": {"release": 3}},
        {"sent_by": "3.0.0", "resume": {"later": None, **POINTER["resume"]}},
    ],
)
def test_fields_of_a_pointer_that_only_a_later_release_knows_are_ignored(world: Any, pointer: Any) -> None:
    """Otherwise the messages of a release that is rolled back would be lost."""
    world.submit(CHARGE, id="j", respond_async=True)
    assert world.receive(world.message(pointer)) == []
    assert world.queue.rejected == []
    assert world.ran == ["tenant/j/1/1"]


def test_a_message_without_time_left_goes_back_at_once(world: Any) -> None:
    slow = {"action": "PROBE.WORK", "timeout": 27.5, "parameters": {"seconds": 27.5}}
    records = [world.message({"id": f"j{n}", "steps": [slow]}, id=f"m{n}") for n in range(3)]

    began = world.clock.now

    def write_slowly(name: str) -> None:
        """The writes of all three are in flight at the same time."""
        if name == "put_if":
            world.clock.now = max(world.clock.now, began + 0.6)

    world.items.after = write_slowly
    assert world.receive(*records) == ["m1", "m2"]
    assert world.queue.postponed == [("receipt-m1", 0.0), ("receipt-m2", 0.0)]
    assert world.ran == ["work"]


@pytest.mark.parametrize("life", [0.0, -0.5, 1.9])
def test_a_remaining_time_of_nothing_is_a_value(world: Any, life: float) -> None:
    assert world.receive(world.message(JOB), life=life) == ["m1"]
    assert world.queue.postponed == [("receipt-m1", 0.0)]
    assert world.items.calls == []


@pytest.mark.parametrize("error", [TryLaterError, MisconfiguredError])
def test_when_aws_fails_every_message_of_the_batch_comes_again_and_a_metric_counts_it(
    world: Any, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: str) -> None:
        raise error("access denied")

    world.items.before = fail
    records = [world.message({"steps": [WORK]}, id=f"m{n}") for n in range(3)]
    assert world.receive(*records) == ["m0", "m1", "m2"]
    assert world.metrics.counted("ServiceFailures") == 3
    assert "access denied" in str([record.__dict__ for record in caplog.records])


def test_one_message_that_fails_beyond_reason_does_not_cost_the_others(world: Any) -> None:
    def die(_: str) -> None:
        world.items.before = lambda _: None
        raise SystemExit(3)

    world.items.before = die
    records = [world.message({"steps": [WORK]}, id=f"m{n}") for n in range(3)]
    assert world.receive(*records) == ["m0"]


def test_a_failed_message_of_a_fifo_group_takes_the_rest_of_the_group_with_it(world: Any) -> None:
    world.submit(CHARGE, id="held", respond_async=True)
    drive(world.ports.table.claim(world.record("held"), token="t", until=world.clock.now + 100, now=world.clock.now))
    records = [
        world.message({"id": "held", "steps": [CHARGE]}, id="a1", group="a"),
        world.message({"id": "a2", "steps": [WORK]}, id="a2", group="a"),
        world.message({"id": "b1", "steps": [WORK]}, id="b1", group="b"),
    ]
    assert world.receive(*records) == ["a1", "a2"]
    assert world.ran == ["work"]
    assert world.get("b1")["status"] == "SUCCEEDED"


def test_the_queues_message_is_the_outbox_of_its_jobs_end(world: Any) -> None:
    world.bus.down = True
    assert world.receive(world.message(JOB)) == ["m1"], "only the message keeps track of the unpublished updates"
    assert world.record("j").due is not None, "the job is now due, in case the message is lost"
    assert world.receive(world.message(JOB, receives=2)) == []
    world.bus.down = False
    world.recover()
    assert set(world.bus.ids()) == {"1/1", "1/end"}


def test_a_message_whose_process_died_before_it_published_makes_something_due_before_it_is_received_too_often(
    world: Any,
) -> None:
    def die(name: str) -> None:
        if name == "publish":
            world.crash()
            world.items.before("")

    world.items.before = die
    assert world.receive(world.message(JOB)) == ["m1"]
    world.restart()
    assert (world.record("j").status, world.record("j").due) == ("SUCCEEDED", None)
    world.bus.down = True
    assert world.receive(world.message(JOB, receives=2)) == []
    world.bus.down = False
    world.recover()
    assert set(world.bus.ids()) == {"1/1", "1/end"}


def test_a_job_that_ends_after_its_first_receive_leaves_something_due(world: Any) -> None:
    world.bus.down = True
    assert world.receive(world.message(JOB, receives=3)) == []
    assert world.record("j").due is not None


def test_a_hand_over_releases_sends_and_only_then_acknowledges(world: Any) -> None:
    steps = [{"action": "PROBE.WORK", "timeout": 20, "parameters": {"seconds": 15}}] * 2
    seen: list[Any] = []
    world.items.before = lambda name: seen.append(world.record("j").lease) if name == "send" else None
    assert world.receive(world.message({"id": "j", "steps": steps})) == []
    assert seen == [None]
    (sent,) = world.queue.sent
    assert json.loads(sent["body"]) == POINTER
    world.queue.sent.clear()
    world.queue.down = True
    assert world.receive(world.message({"id": "k", "steps": steps}, id="m2")) == ["m2"], "it replaces the pointer"
    assert world.record("k").lease is None


def test_hand_overs_of_one_job_have_different_deduplication_ids(world: Any) -> None:
    world.submit(*[{"action": "PROBE.WORK", "timeout": 20, "parameters": {"seconds": 15}}] * 4, id="j")
    seen = []
    while world.queue.sent:
        sent = world.queue.sent.pop()
        seen.append(sent["deduplication"])
        world.receive(world.message(sent["body"]))
    assert len(seen) == len(set(seen)) == 3
    assert all(len(name) <= 128 for name in seen)


def test_a_claimed_job_whose_payload_is_gone_ends_failed(world: Any) -> None:
    world.submit(CHARGE, id="j", respond_async=True)
    for key in [key for key in world.table.items if key[1].startswith("PAYLOAD")]:
        del world.table.items[key]
    world.drain_queue()
    assert (world.record("j").status, world.ran) == ("FAILED", [])
    assert world.bus.ids() == ["1/end"]
    assert world.record("j").due is None


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets a method of the table find a job in another state, as another writer leaves it: changed or gone."""

    def begin(method: str, *, gone: bool) -> None:
        async def call(_: JobsTable, job: JobRecord, *__: Any, **___: Any) -> Refused:
            return Refused(None if gone else job)

        monkeypatch.setattr(JobsTable, method, call)

    return begin


@pytest.mark.parametrize(("gone", "again"), [(True, []), (False, ["m1"])])
def test_a_job_that_others_keep_writing_comes_again_and_one_that_is_gone_does_not(
    world: Any, refuse: Callable[..., None], gone: bool, again: list[str]
) -> None:
    world.submit(WORK, id="j", respond_async=True)
    refuse("claim", gone=gone)
    assert world.receive(world.message(POINTER)) == again
    assert world.ran == []


def test_a_job_that_vanished_while_its_message_was_accepted_comes_again(
    world: Any, refuse: Callable[..., None]
) -> None:
    refuse("accept", gone=True)
    assert world.receive(world.message(JOB, receives=2)) == ["m1"]
    assert world.ran == []


def test_a_finished_job_whose_message_meets_another_writer_comes_again(world: Any, refuse: Callable[..., None]) -> None:
    def die(name: str) -> None:
        if name == "publish":
            world.crash()
            world.items.before("")

    world.items.before = die
    world.receive(world.message(JOB))
    world.restart()
    assert (world.record("j").finished, world.record("j").due) == (True, None)
    refuse("set_due", gone=False)
    assert world.receive(world.message(JOB, receives=2)) == ["m1"]
    assert world.bus.ids() == []
