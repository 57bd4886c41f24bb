"""POST /jobs/validate over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blocks.block import REGISTRY, Block
from tests.handler.http.client import JOIN, Client

EVENTS = Path(__file__).parent.parent.parent / "events"


def test_a_job_is_validated_without_being_run(client: Client, world: Any) -> None:
    steps = [{"action": "PROBE.CHARGE", "parameters": {}}, {"action": "TEXT.JION"}, {**JOIN, "if": "{# maybe #}"}]
    answer = client.post("/jobs/validate", {"id": "a", "steps": steps})
    assert answer.status == 200
    assert answer.json["valid"] is False
    assert [(found["severity"], found["pointer"], found["code"]) for found in answer.json["problems"]] == [
        ("error", "/steps/1/action", "BLOCK_NOT_FOUND"),
        ("error", "/steps/2/if", "INVALID_ARGUMENT"),
    ]
    assert world.ran == []
    assert client.get("/jobs/a").status == 404


def test_a_job_with_warnings_is_valid(client: Client) -> None:
    steps = [{"action": "LOGIC.IS_NONE", "parameters": {"value": "{: 2 :}"}}, JOIN]
    assert client.post("/jobs/validate", {"steps": steps}).json["valid"] is True


def test_json_that_is_not_a_job_is_validated_and_not_refused(client: Client) -> None:
    answer = client.post("/jobs/validate", {"steps": [{"action": "TEXT.JOIN", "force": 1}], "global_values": {}})
    assert (answer.status, answer.json["valid"]) == (200, False)
    assert [found["code"] for found in answer.json["problems"]] == ["UNKNOWN_FIELD", "RESERVED_FIELD"]


def test_rights_of_the_caller_decide_what_is_valid(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def secret() -> None: ...

    monkeypatch.setitem(REGISTRY._blocks, "PROBE.SECRET", Block(secret, category="PROBE", tags=["BILLING"]))
    job = {"steps": [{"action": "PROBE.SECRET"}]}
    assert Client(world).post("/jobs/validate", job).json["valid"] is False
    assert Client(world, scope="OPS BILLING").post("/jobs/validate", job).json["valid"] is True
    assert Client(world, scope="BILLING").post("/jobs", job).json["success"] is True


def found(answer: Any) -> list[tuple[str, str]]:
    return [(problem["pointer"], problem["code"]) for problem in answer.json["problems"]]


def test_problems_of_the_shape_do_not_hide_other_problems(client: Client) -> None:
    steps = [{**JOIN, "force": True}, {"action": "TEXT.JION"}, {"id": "a.b"}, 7, {**JOIN, "parameters": {"text1": 1}}]
    assert found(client.post("/jobs/validate", {"tags": [], "steps": steps})) == [
        ("/steps/0/force", "UNKNOWN_FIELD"),
        ("/steps/2", "INVALID_FIELD"),
        ("/steps/2/id", "INVALID_ID"),
        ("/steps/3", "INVALID_FIELD"),
        ("/tags", "RESERVED_FIELD"),
        ("/steps/1/action", "BLOCK_NOT_FOUND"),
        ("/steps/4/parameters/text1", "INVALID_TYPE"),
        ("/steps/4/parameters", "INVALID_TYPE"),
    ]


def test_a_tag_that_refers_to_a_step_of_the_wrong_shape_is_not_a_problem_itself(client: Client) -> None:
    reads = {**JOIN, "parameters": {"text1": "{: a :}", "text2": "{# v #}{< p >}"}}
    for job in (
        {"variables": {"v": 1}, "parameters": {"p": 1}, "steps": [{**JOIN, "id": "_a"}, reads]},
        {"variables": [], "parameters": {"p": 1}, "steps": [{**JOIN, "id": "a"}, reads]},
        {"variables": {"v": 1}, "parameters": 5, "steps": [{**JOIN, "id": "a"}, reads]},
        {"parameters": {"p": 1}, "steps": [{**JOIN, "id": "a"}, {"actoin": "VARIABLE.SET"}, reads]},
    ):
        assert "INVALID_ARGUMENT" not in {code for _, code in found(client.post("/jobs/validate", job))}


def test_a_wrong_tag_is_found_beside_a_harmless_mistake_of_the_shape(client: Client) -> None:
    job = {"step_limit": 5, "name": 7, "steps": [{**JOIN, "timeout": 0}, {**JOIN, "if": "{# nope #}"}]}
    assert ("/steps/1/if", "INVALID_ARGUMENT") in found(client.post("/jobs/validate", job))


@pytest.mark.parametrize("body", ["5", "null", "[]", '"x"', "{}", '{"steps":5}', '{"steps":[' + "{}," * 2000 + "1]}"])
def test_any_json_that_is_sent_has_findings(client: Client, body: str) -> None:
    answer = client.post("/jobs/validate", body)
    assert (answer.status, answer.json["valid"]) == (200, False)
    assert len(found(answer)) <= 1001
