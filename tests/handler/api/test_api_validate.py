"""POST /jobs/validate over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blocks.block import REGISTRY, Block
from tests.handler.api.client import JOIN, Client

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


def test_what_is_no_job_at_all_is_a_finding_and_no_refusal(client: Client) -> None:
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
