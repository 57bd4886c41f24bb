"""The workflows of `examples/workflows`, each used only from outside: by HTTP and by the queue."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, http_event
from infra.local import EmbeddedAws, embedded

WORKFLOWS = Path(__file__).resolve().parents[3] / "examples" / "workflows"
SECRETS = {"github": "It's a Secret to Everybody", "shop": "the shop's secret"}


@dataclass
class Deployment:
    """One deployment, as its users see it."""

    aws: EmbeddedAws
    tenant: str = "ada"
    answers: list[Any] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, *, known: bool = True, **headers: str) -> tuple[int, Any]:
        """Call the API; `known`: whether the gateway's authorizer knows the caller."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        request = HttpRequest(method=method, target=path, headers=named, body=text)
        event = http_event(request, Identity(subject=self.tenant), request_id="r", at=0.0)
        if not known:
            del event["requestContext"]["authorizer"]
        answer = lambda_handler(event)
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None

    def put(self, kind: str, name: str) -> Any:
        """Put the content of an example's file."""
        body = json.loads((WORKFLOWS / f"{name}.{kind}.json").read_text())
        status, answer = self.ask("PUT", f"/{kind}s/{name}", body)
        assert status == 201, answer
        return answer

    def send(self, body: dict[str, Any]) -> None:
        queue: Any = self.aws.clients.sqs()
        queue.send_message(QueueUrl=self.aws.queue_url, MessageBody=json.dumps(body))

    def work(self) -> None:
        """Let the worker empty the queue."""
        while (batch := self.aws.receive())["Records"]:
            failed = {failure["itemIdentifier"] for failure in lambda_handler(batch)["batchItemFailures"]}
            for record in batch["Records"]:
                assert record["messageId"] not in failed
                self.aws.delete(record["receiptHandle"])

    def jobs(self) -> list[Any]:
        _, page = self.ask("GET", "/jobs")
        return [self.ask("GET", f"/jobs/{job['id']}")[1] for job in page["jobs"]]


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    monkeypatch.setenv("PUBLIC_ROUTES", "true")
    monkeypatch.setenv("PUBLIC_URL", "https://jobs.example.com")
    with embedded() as aws:
        made = Deployment(aws)
        for name, value in SECRETS.items():
            assert made.ask("PUT", f"/secrets/{name}", {"value": value, "hosts": [], "uses": ["verify"]})[0] == 204
        yield made


def _sign(secret: str, body: str) -> str:
    return hmac.new(SECRETS[secret].encode(), body.encode(), hashlib.sha256).hexdigest()


def test_a_nightly_report_in_the_time_zone_of_its_user(deployment: Deployment) -> None:
    deployment.put("workflow", "nightly-report")
    schedule = deployment.put("schedule", "nightly-report")
    assert len(schedule["next"]) == 5
    (kept,) = deployment.aws.schedules()
    assert (kept["ScheduleExpression"], kept["ScheduleExpressionTimezone"]) == ("cron(30 2 * * ? *)", "Europe/Berlin")
    assert deployment.aws.schedule_keys() == [("ada", "nightly-report")]

    message = json.loads(kept["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", schedule["next"][0]))
    deployment.send(message)
    deployment.send(message)  # EventBridge delivers at least once
    deployment.work()
    (job,) = deployment.jobs()
    assert (job["status"], job["workflow"]) == ("SUCCEEDED", {"name": "nightly-report", "version": 1})
    assert job["steps"][-1]["result"] == "3 orders: 50.00 EUR"

    assert deployment.ask("DELETE", "/workflows/nightly-report")[0] == 409
    assert deployment.ask("DELETE", "/schedules/nightly-report")[0] == 204
    assert deployment.aws.schedules() == []
    deployment.send({"schedule": {**message["schedule"], "at": schedule["next"][1]}})
    deployment.work()
    assert len(deployment.jobs()) == 1


def test_a_github_webhook_that_starts_a_job(deployment: Deployment) -> None:
    deployment.put("workflow", "deploy")
    url = deployment.put("hook", "deploy")["url"]
    path = url.removeprefix("https://jobs.example.com")
    body = json.dumps({"ref": "refs/heads/main", "after": "6dcb09b"})
    headers = {
        "Content_Type": "application/json",
        "X_GitHub_Event": "push",
        "X_GitHub_Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X_Hub_Signature_256": f"sha256={_sign('github', body)}",
    }
    assert deployment.ask("POST", path, body, known=False, **headers)[0] == 202
    assert deployment.ask("POST", path, body, known=False, **headers)[0] == 200  # GitHub sends it again
    assert deployment.ask("POST", path, body + " ", known=False, **headers)[0] == 401
    assert deployment.ask("POST", path[:-2], body, known=False, **headers)[0] == 404
    deployment.work()
    (job,) = deployment.jobs()
    assert (job["status"], job["steps"][0]["result"]) == ("SUCCEEDED", "deploying 6dcb09b")


def test_a_hook_that_answers_while_its_caller_waits(deployment: Deployment) -> None:
    deployment.put("workflow", "quote")
    path = deployment.put("hook", "quote")["url"].removeprefix("https://jobs.example.com")
    body = json.dumps({"items": [10, 20.5]})
    answer = deployment.ask("POST", path, body, known=False, X_Shop_Signature=_sign("shop", body))
    assert answer == (200, {"total": 36.3})
    bad = json.dumps({"items": ["ten"]})
    status, problem = deployment.ask("POST", path, bad, known=False, X_Shop_Signature=_sign("shop", bad))
    assert (status, problem["errors"][0]["pointer"]) == (422, "/parameters/event/body/items/0")
    (job,) = deployment.jobs()
    assert job["variables"] == {"total": 36.3}


def test_every_example_is_driven_by_a_test() -> None:
    assert {path.name for path in WORKFLOWS.glob("*.json")} == {
        *("nightly-report.workflow.json", "nightly-report.schedule.json"),
        *("deploy.workflow.json", "deploy.hook.json"),
        *("quote.workflow.json", "quote.hook.json"),
    }
