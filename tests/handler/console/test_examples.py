"""Each example runs through the whole deployment and ends as its file in `examples/expected` says."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handler.caller import Rights
from handler.console.local.lambda_event import HttpRequest
from handler.console.local.workstation import Options, Workstation, open_workstation
from handler.engine import Conduit
from handler.payload.parse import parse
from handler.validation.validate import find_problems
from tests.http.servers import Request, Server, answer, json_answer

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.json"))
CALLING = ["exchange", "alert", "pages"]
SIGNING = ["signed"]
PAGES = {
    "": '{"orders": [{"id": "a"}, {"id": "b"}], "next": "p2"}',
    "p2": '{"orders": [{"id": "c"}, {"id": "d"}], "next": "p3"}',
    "p3": '{"orders": [{"id": "e"}], "next": null}',
}
LANGUAGE = ["invoice", "lead-routing", "nightly-clean-up", "poll-until-ready"]
SLOW = ["approval", "hand-over"]
QUICK = [name for name in NAMES if name not in SLOW and name not in CALLING + SIGNING]


@pytest.fixture(scope="module")
def station() -> Iterator[Workstation]:
    with open_workstation(Options()) as opened:
        yield opened


def check(job: dict[str, Any], name: str) -> None:
    expected = json.loads((EXAMPLES / "expected" / f"{name}.json").read_text())
    steps = {step["id"]: step for step in job["steps"]}

    assert job["status"] == expected["status"]
    assert (job["failed_step"] or {}).get("id") == expected["failed_step"]
    assert {name: steps[name]["status"]["name"] for name in expected["statuses"]} == expected["statuses"]
    assert {name: steps[name]["result"] for name in expected["results"]} == expected["results"]
    attempts = expected.get("attempts", {})
    assert {name: steps[name]["attempts"] for name in attempts} == attempts
    assert job["variables"] == expected["variables"]
    if "output" in expected:
        assert steps["output"]["result"] == expected["output"]


@pytest.mark.parametrize("name", QUICK)
def test_an_example_ends_as_expected(name: str, station: Workstation) -> None:
    check(station.run((EXAMPLES / f"{name}.json").read_text()), name)


@pytest.mark.parametrize("name", LANGUAGE)
def test_an_example_of_the_language_ends_as_expected_in_plain_python(name: str) -> None:
    payload = parse((EXAMPLES / f"{name}.json").read_text())
    expected = json.loads((EXAMPLES / "expected" / f"{name}.json").read_text())
    assert find_problems(payload, Rights(frozenset(), 1000)) == []
    job = Conduit.from_dict(payload.as_job())
    asyncio.run(job.run())
    assert job.success is True
    assert job.output == expected["output"]
    assert job.variables == expected["variables"]


@pytest.mark.parametrize("name", CALLING)
def test_an_example_that_calls_an_api_ends_as_expected(
    name: str, station: Workstation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def respond(request: Request) -> bytes:
        if request.target.startswith("/orders"):
            return json_answer(PAGES[request.target.partition("?cursor=")[2]])
        if request.target == "/rates?base=EUR":
            busy = len(api.requests) == 1
            return answer(503) if busy else json_answer('{"rates": {"USD": 1.083, "JPY": 161.5}}')
        return answer(204) if request.method == "POST" else json_answer('{"count": 3}')

    with Server(respond) as api:
        monkeypatch.setenv("HTTP_PLAIN", "true")
        monkeypatch.setenv("HTTP_PORTS", str(api.port))
        monkeypatch.setenv("HTTP_PRIVATE_HOSTS", "localhost")
        job = json.loads((EXAMPLES / f"{name}.json").read_text())
        job["parameters"]["api"] = f"http://localhost:{api.port}"
        check(station.run(json.dumps(job)), name)
        posted = [json.loads(request.body) for request in api.requests if request.method == "POST"]
    assert posted == ([{"text": "Nightly check failed at enough: False is not true"}] if name == "alert" else [])


def test_an_example_that_signs_sends_a_signature_that_its_receiver_can_check(
    station: Workstation, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = {"value": "shared-with-the-partner", "uses": ["hmac"]}
    put = HttpRequest(method="PUT", target="/secrets/partner", headers={}, body=json.dumps(secret))
    assert station.function.request(put).status == 204
    with Server(lambda _: answer(204)) as api:
        monkeypatch.setenv("HTTP_PLAIN", "true")
        monkeypatch.setenv("HTTP_PORTS", str(api.port))
        monkeypatch.setenv("HTTP_PRIVATE_HOSTS", "localhost")
        job = json.loads((EXAMPLES / "signed.json").read_text())
        job["parameters"]["api"] = f"http://localhost:{api.port}"
        check(station.run(json.dumps(job)), "signed")
        (request,) = api.requests
    signed = b"POST\n/orders\n" + request.body
    expected = hmac.new(b"shared-with-the-partner", signed, hashlib.sha256).hexdigest()
    assert request.headers["x-signature"] == f"v1={expected}"


@pytest.mark.slow
def test_a_job_longer_than_its_invocation_is_handed_over_and_ends_as_expected() -> None:
    with open_workstation(Options(invocation=3.0)) as station:
        answers: list[dict[str, Any]] = []
        ask = station.ask
        station.ask = lambda *arguments: answers.append(ask(*arguments)) or answers[-1]  # type: ignore[method-assign]  # a spy

        check(station.run((EXAMPLES / "hand-over.json").read_text()), "hand-over")

    assert answers[0]["status"] != "SUCCEEDED"  # the API answered before the job ended


def test_the_order_fails_where_the_switch_says_and_still_forgets_the_token(station: Workstation) -> None:
    payload = json.loads((EXAMPLES / "order.json").read_text())
    payload["parameters"]["refuse_payment"] = True

    job = station.run(json.dumps(payload))

    assert (job["status"], job["failed_step"]["id"]) == ("FAILED", "payment-refused")
    assert [step["status"]["name"] for step in job["steps"][-4:]] == ["SKIPPED", "SKIPPED", "SKIPPED", "DONE"]
    assert "payment_token" not in job["variables"]


def test_every_example_has_an_expectation_and_a_line_in_the_readme() -> None:
    readme = (EXAMPLES / "README.md").read_text()

    assert [path.stem for path in sorted((EXAMPLES / "expected").glob("*.json"))] == NAMES
    assert [name for name in NAMES if f"`{name}.json`" not in readme] == []
