"""`examples/approval.json`, used only from outside: by HTTP, by the queue and by the requests that it posts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handler import wiring
from infra.local import embedded
from tests.handler.console.test_workflow_examples import Deployment
from tests.http.servers import Server, json_answer

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
PUBLIC = "https://jobs.example.com"


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    monkeypatch.setenv("PUBLIC_ROUTES", "true")
    monkeypatch.setenv("PUBLIC_URL", PUBLIC)
    with embedded() as aws:
        yield Deployment(aws)


@pytest.mark.parametrize("ok", [True, False])
def test_an_approval_by_mail(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, ok: bool) -> None:
    with Server(lambda _: json_answer("{}")) as mailer:
        for name, value in (("PLAIN", "true"), ("PORTS", str(mailer.port)), ("PRIVATE_HOSTS", "localhost")):
            monkeypatch.setenv(f"HTTP_{name}", value)
        job = json.loads((EXAMPLES / "approval.json").read_text())
        job["parameters"]["mailer"] = f"http://localhost:{mailer.port}/send"
        status, sent = deployment.ask("POST", "/jobs", {**job, "id": "a"})
        assert (status, sent["waiting"]["for"], sent["waiting"]["path"]) == (202, "answer", "ok")
        text = json.loads(mailer.requests[0].body)["text"]
    link = text.rpartition(" ")[2].removeprefix(PUBLIC)
    deployment.work()
    wiring.wire.cache_clear()  # the worker restarts without any state

    given: dict[str, Any] = {"value": {"limit": 450}} if ok else {"ok": False, "reason": "Too much."}
    assert deployment.ask("POST", link[:-1], given, known=False)[0] == 404
    assert deployment.ask("POST", link, {"value": {"limit": "x"}}, known=False)[0] == 422
    assert deployment.ask("POST", link, given, known=False)[0] == 200
    deployment.work()
    _, ended = deployment.ask("GET", "/jobs/a")
    by_id = {step["id"]: step for step in ended["steps"]}
    if ok:
        assert (ended["status"], ended["output"]) == ("SUCCEEDED", {"limit": 450})
        assert by_id["raised"]["result"] == "The limit is 450 EUR"
    else:
        assert (ended["status"], ended["failed_step"]["status"]["name"]) == ("FAILED", "REJECTED")
        assert by_id["refused"]["result"] == "Refused: Too much."
    assert deployment.ask("POST", link, given, known=False)[0] == 200
    assert deployment.ask("POST", link, {"value": 1}, known=False)[0] == 409
