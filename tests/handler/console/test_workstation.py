from __future__ import annotations

import json
from typing import Any

import pytest

from handler.console.local.lambda_event import Identity
from handler.console.local.local_lambda import LocalLambda
from handler.console.local.workstation import SWEEP_SECONDS, JobRefusedError, Options, Workstation

JOB = {"id": "a", "status": "RUNNING"}
DONE = {"id": "a", "status": "SUCCEEDED"}


class World:
    """A function that answers as the test says, a queue of messages, and a clock that only sleeping advances."""

    def __init__(self, *answers: tuple[int, dict[str, Any]], messages: int = 0) -> None:
        self.answers = list(answers)
        self.messages = messages
        self.time = 0.0
        self.happened: list[str] = []
        function = LocalLambda(
            handler=self.handle, poller=self, now=lambda: self.time, epoch=lambda: 0.0, identity=Identity(subject="ada")
        )
        services: Any = self
        self.station = Workstation(function, services, self.sleep)

    def handle(self, event: dict[str, Any], _: Any) -> Any:
        if "Records" in event:
            self.happened.append("work")
            return None
        if "detail-type" in event:
            self.happened.append("sweep")
            return None
        http = event["requestContext"]["http"]
        self.happened.append(f"{http['method']} {http['path']}")
        status, body = self.answers.pop(0)
        return {"statusCode": status, "body": json.dumps(body)}

    def receive(self, most: int = 10) -> dict[str, Any]:
        taken, self.messages = min(most, self.messages), max(0, self.messages - most)
        return {"Records": [{"messageId": str(n), "receiptHandle": str(n)} for n in range(taken)]}

    def delete(self, receipt_handle: str) -> None:
        pass

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_a_job_that_is_finished_at_once_needs_one_request() -> None:
    world = World((201, DONE))

    assert world.station.run("{}") == DONE
    assert world.happened == ["POST /jobs"]


def test_a_job_that_was_handed_over_is_worked_from_the_queue_until_it_has_ended() -> None:
    world = World((202, JOB), (200, JOB), (200, DONE), messages=11)

    assert world.station.run("{}") == DONE
    assert world.happened == ["POST /jobs", "work", "GET /jobs/a", "work", "GET /jobs/a"]


def test_a_job_that_waits_for_an_answer_is_not_waited_for() -> None:
    waiting = {**JOB, "status": "QUEUED", "waiting": {"for": "answer", "path": "ok"}}
    world = World((202, waiting))

    assert world.station.run("{}") == waiting
    assert world.happened == ["POST /jobs"]


def test_an_empty_queue_is_waited_for_and_swept_each_minute() -> None:
    waiting = int(2.5 * SWEEP_SECONDS / 0.05)
    world = World((202, JOB), *[(200, JOB)] * waiting, (200, DONE))

    world.station.run("{}")

    assert world.happened.count("sweep") == 2
    assert world.happened.count("work") == 0


def test_a_refusal_names_each_thing_that_is_wrong() -> None:
    errors = [
        {"pointer": "/tags", "code": "C", "message": "No."},
        {"pointer": "", "code": "C", "message": "Not at all."},
    ]
    world = World((422, {"title": "Invalid", "status": 422, "errors": errors}))

    with pytest.raises(JobRefusedError, match=r"^/tags: No\.; the job: Not at all\.$"):
        world.station.run("{}")


@pytest.mark.parametrize(
    ("problem", "message"),
    [({"title": "T", "detail": "D"}, "D"), ({"title": "T"}, "T"), ({}, "refused")],
)
def test_a_refusal_without_errors_shows_its_body(problem: dict[str, Any], message: str) -> None:
    with pytest.raises(JobRefusedError, match=f"^{message}$"):
        World((409, problem)).station.run("{}")


def test_the_queue_serves_the_tenant_and_the_tags_that_http_has() -> None:
    environment = Options(identity=Identity(subject="ada", tags=("staff", "billing"))).environment()

    assert (environment["QUEUE_TENANT"], environment["QUEUE_TAGS"]) == ("ada", "staff billing")


def test_a_watched_job_is_recorded_soon_after_each_step_and_another_as_it_is_in_aws() -> None:
    assert Options(watched=True).environment()["FLUSH_INTERVAL"] == "0.1"
    assert "FLUSH_INTERVAL" not in Options().environment()
