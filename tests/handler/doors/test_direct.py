from __future__ import annotations

from typing import Any

import pytest

from handler.doors.direct import run_job
from handler.errors import ConflictError, NotFoundError
from handler.invocation.event_kind import kind_of
from handler.payload.parse import InvalidPayloadError
from tests.handler.conftest import drive
from tests.handler.http.client import Client

WORK = {"steps": [{"action": "PROBE.WORK", "parameters": {"name": "{< name >}"}}]}

ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


@pytest.fixture
def run(world: Any) -> Any:
    """Invoke the function directly with an event."""
    assert Client(world).send("PUT", "/workflows/work", WORK).status == 201

    def run(event: dict[str, Any], request_id: str = "r1") -> dict[str, Any]:
        assert kind_of(event) == "direct"
        return drive(run_job(event, world.ports, world.lifetime(), request_id=request_id))

    return run


def test_an_event_that_names_a_workflow_runs_it(run: Any) -> None:
    job = run({"workflow": "work", "parameters": {"name": "a"}})
    assert (job["id"], job["status"], job["workflow"]) == ("r1", "SUCCEEDED", {"name": "work", "version": 1})
    assert job["steps"][0]["result"] == "a"


def test_an_event_that_is_sent_again_is_the_same_job(run: Any, world: Any) -> None:
    event = {"workflow": "work", "parameters": {"name": "a"}, "id": "mine"}
    assert run(event, "r1")["id"] == run(event, "r2")["id"] == "mine"
    assert run({"workflow": "work", "parameters": {"name": "b"}}, "r3")["id"] == "r3"
    assert world.ran == ["a", "b"]
    with pytest.raises(ConflictError):
        run({**event, "parameters": {"name": "b"}})


def test_an_event_that_has_steps_is_a_job(run: Any) -> None:
    assert run({"steps": []})["workflow"] is None


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"workflow": "none"}, NotFoundError),
        ({"workflow": "work", "version": 2}, NotFoundError),
        ({"workflow": None}, InvalidPayloadError),
        ({"workflow": "work", "tenant": "other"}, InvalidPayloadError),
        ({"workflow": "work", "id": "__s-1"}, InvalidPayloadError),
        ({"workflow": "work", "steps": []}, InvalidPayloadError),
        ({"workflow": "work", "parameters": {"name": float("nan")}}, InvalidPayloadError),
        ({"workflow": "work", "parameters": {"name": {1, 2}}}, InvalidPayloadError),
        ({"workflow": "work", "parameters": {"name": "\ud800"}}, InvalidPayloadError),
        ({"workflow": "work", "parameters": {"name": ENDLESS}}, InvalidPayloadError),
    ],
)
def test_a_job_that_cannot_be_started_is_an_error(run: Any, event: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(event)


def test_a_job_of_the_same_id_is_not_run_again_though_its_steps_are_pure(run: Any, world: Any) -> None:
    event = {"id": "mine", "steps": [{"action": "PROBE.WORK", "parameters": {"name": "a"}}]}
    assert run(event, "r1") == run(event, "r2")
    assert world.ran == ["a"]
