"""The API accepts the examples on the pages about calls, approvals, schedules and hooks, and they work as described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import embedded
from tests.docs.test_pages import blocks_of
from tests.handler.console.test_workflow_examples import Deployment
from tests.http.servers import Server, json_answer

DOCS = Path(__file__).resolve().parents[2] / "docs"
PUBLIC = "https://jobs.example.com"


def written(page: str) -> list[Any]:
    """Every JSON value of a page, including those in its lists."""
    text = (DOCS / f"{page}.md").read_text()
    return [json.loads(found) for found in re.findall(r"^ *```json\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)]


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as patch, embedded() as aws:
        patch.setenv("PUBLIC_ROUTES", "true")
        patch.setenv("PUBLIC_URL", PUBLIC)
        patch.setenv("QUEUE_TENANT", "ada")
        made = Deployment(aws)
        assert made.ask("PUT", "/secrets/github", {"value": "It's a Secret", "uses": ["verify"]})[0] == 204
        for name, step in {"report": "{< to >}", "deploy": "{< event.body.ref >}", "greet": "{< who >}"}.items():
            steps = [{"action": "TEXT.CREATE", "parameters": {"value": step}}]
            assert made.ask("PUT", f"/workflows/{name}", {"steps": steps})[0] == 201
        yield made


@pytest.mark.parametrize("page", ["approvals", "http", "secrets", "aws-calls", "workflows"])
def test_each_job_and_step_of_a_page_is_valid(deployment: Deployment, page: str) -> None:
    jobs = [
        found if "steps" in found else {"steps": [found]} for found in written(page) if {"steps", "action"} & {*found}
    ]
    for job in jobs:
        _, judged = deployment.ask("POST", "/jobs/validate", job)
        errors = [problem for problem in judged["problems"] if problem["severity"] == "error"]
        assert {problem["code"] for problem in errors} <= {"FORBIDDEN_BLOCK"}, errors
    assert jobs or page == "workflows"


def test_an_approval_takes_ten_lines_and_a_link_in_a_mail(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text, *_) = blocks_of(DOCS / "approvals.md", "json")
    assert len(text.splitlines()) <= 10
    with Server(lambda _: json_answer("{}")) as mailer:
        for name, value in (("PLAIN", "true"), ("PORTS", str(mailer.port)), ("PRIVATE_HOSTS", "localhost")):
            monkeypatch.setenv(f"HTTP_{name}", value)
        job = json.loads(text)
        job["parameters"]["mailer"] = f"http://localhost:{mailer.port}/send"
        _, sent = deployment.ask("POST", "/jobs", job)
        link = json.loads(mailer.requests[0].body)["text"].rpartition(" ")[2].removeprefix(PUBLIC)
    assert sent["waiting"]["path"] == "ok"
    assert deployment.ask("POST", link, {}, known=False)[0] == 200
    deployment.work()
    _, ended = deployment.ask("GET", f"/jobs/{sent['id']}")
    assert (ended["status"], ended["steps"][-1]["result"]) == ("SUCCEEDED", "Granted by mail")


def test_the_schedule_the_hook_and_the_message_of_the_page_are_taken(deployment: Deployment) -> None:
    kinds = {"cron": "/schedules/nightly", "verify": "/hooks/push", "id": ""}
    found = {kind: body for body in written("workflows") for kind in kinds if kind in body}
    status, schedule = deployment.ask("PUT", kinds["cron"], found["cron"])
    assert (status, len(schedule["next"])) == (201, 5)
    assert deployment.ask("PUT", kinds["verify"], found["verify"])[0] == 201
    deployment.send(found["id"])
    deployment.work()
    assert deployment.ask("GET", f"/jobs/{found['id']['id']}")[1]["status"] == "SUCCEEDED"
