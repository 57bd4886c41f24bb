"""The cost of a million jobs: runs jobs through the handler on the embedded AWS, counts the billed units, and adds up
their prices.

python -m benchmarks.cost [--milliseconds 100] [--memory 1024] [--page docs/deploy.md]

Measured: every unit of DynamoDB, EventBridge and SQS, and the bytes of the log. Assumed, because it can only be
measured on AWS: the duration of an invocation. The costs of a step's own calls and time are additional.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.meter import Meter, index_item, metered
from blocks.block import REGISTRY, Category, Registry
from handler import wiring
from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity
from handler.console.local.local_lambda import LocalLambda
from infra.local import TABLE, EmbeddedAws, embedded
from infra.table.attributes import weight

JOBS = 1_000_000
PRICES = Path(__file__).with_name("prices.json")
RETENTION_MONTHS = 1.0
"""`RetentionDays` of template.yaml is 30."""
GB = 1e9
ITEM_BYTES = 100
"""Bytes that DynamoDB bills in addition to each item, in the table and in each index."""
PLATFORM_LOG = 900
"""Bytes that Lambda logs for an invocation as JSON: its start, end and report."""
ACCESS_LOG = 400
"""Bytes of a line of the API's access log."""
POLLS = 2
"""Requests to SQS with which the poller receives and deletes a message; an empty queue takes 0.6 million a month."""
BATCH_TIMES = 2.5
"""Duration of an invocation with ten jobs, as a multiple of one with a single job; docs/performance.md measures it."""
HTTP_DOORS = ("http", "async")
BEGIN, END = "<!-- cost: begin -->", "<!-- cost: end -->"


@dataclass(frozen=True)
class Scenario:
    """A kind of job, and how it is sent."""

    name: str
    steps: int
    door: str
    step_events: str = "all"
    action: str = "TEXT.JOIN"
    word: str = "another"
    batch: int = 1
    """Jobs of one invocation."""
    goal: float | None = None
    """The most dollars that a million such jobs may cost."""


@dataclass(frozen=True)
class Assumed:
    """Assumed figures: seconds of an invocation with one job, gigabytes of its memory."""

    seconds: float
    gigabytes: float


SCENARIOS = (
    Scenario("10 steps over HTTP", 10, "http"),
    Scenario("10 steps over HTTP, `StepEvents=grouped`", 10, "http", "grouped", goal=15),
    Scenario("10 steps over HTTP, `StepEvents=failures`", 10, "http", "failures"),
    Scenario("10 steps over HTTP, asynchronous, `StepEvents=grouped`", 10, "async", "grouped"),
    Scenario(
        "10 steps with an effect over HTTP, `StepEvents=grouped`", 10, "http", "grouped", "PRICED.EFFECT", goal=28
    ),
    Scenario("10 steps from the queue", 10, "queue"),
    Scenario("10 steps from the queue, `StepEvents=grouped`", 10, "queue", "grouped", goal=12),
    Scenario("10 steps from the queue, `StepEvents=failures`", 10, "queue", "failures"),
    Scenario("100 steps from the queue, `StepEvents=failures`", 100, "queue", "failures", goal=32),
    Scenario("10 steps from the queue, `grouped`, `WorkerBatch=10`", 10, "queue", "grouped", batch=10),
    Scenario("100 steps from the queue, `failures`, `WorkerBatch=10`", 100, "queue", "failures", batch=10),
)
COLUMNS = ("Lambda", "API Gateway", "SQS", "DynamoDB", "EventBridge", "Logs")


@Category("PRICED", registry=Registry()).block(effect="at_least_once")
def effect(*, text1: str, text2: str) -> str:
    """A block with an effect that does nothing: it measures Conduit's own cost of the commits before and after it."""
    return text1 + text2


class Unhurried:
    """A clock that runs at a twentieth of real time: on a busy machine, a job would outlast the flush interval."""

    def __init__(self) -> None:
        self._began, self._origin = time.time(), time.monotonic()

    def monotonic(self) -> float:
        return self._origin + (time.monotonic() - self._origin) / 20

    def time(self) -> float:
        return self._began + self.monotonic() - self._origin


def run(scenario: Scenario) -> tuple[Meter, int]:
    """Run one job of a scenario, after another to warm up; returns the units used and the bytes logged."""
    logged = io.StringIO()
    os.environ.update(STEP_EVENTS=scenario.step_events, POWERTOOLS_SERVICE_NAME="conduit")
    REGISTRY.load()
    known = patch.dict(REGISTRY._blocks, {effect.action: effect})  # noqa: SLF001 (for these jobs only)
    with known, redirect_stderr(logged), patch.object(wiring, "time", Unhurried()), embedded() as aws:
        function = LocalLambda(
            handler=lambda_handler,
            poller=aws,
            now=time.monotonic,
            epoch=time.time,
            identity=Identity(subject="11111111-2222-3333-4444-555555555555"),
        )
        _send(scenario, function, aws, "warm")
        before = len(logged.getvalue())
        with metered() as meter:
            _send(scenario, function, aws, "job-0000-1111-2222")
        return meter, len(logged.getvalue()) - before


def _send(scenario: Scenario, function: LocalLambda, aws: EmbeddedAws, job: str) -> None:
    steps = [
        {"action": scenario.action, "id": f"step{n}", "parameters": {"text1": "some text", "text2": "{# word #}"}}
        for n in range(scenario.steps)
    ]
    body = json.dumps({"id": job, "name": "priced", "variables": {"word": scenario.word}, "steps": steps})
    if scenario.door in HTTP_DOORS:
        later = scenario.door == "async"
        headers = {"content-type": "application/json"} | ({"prefer": "respond-async"} if later else {})
        response = function.request(HttpRequest(method="POST", target="/jobs", headers=headers, body=body))
        assert response.json()["status"] == ("QUEUED" if later else "SUCCEEDED"), response
        assert not later or function.work() == 1
    else:
        sqs: Any = aws.clients.sqs()
        for number in range(scenario.batch):
            named = body if scenario.batch == 1 else body.replace(job, f"{job[:-1]}{number}")
            sqs.send_message(QueueUrl=aws.queue_url, MessageBody=named)
        assert function.work() == scenario.batch


def price(scenario: Scenario, meter: Meter, logged: int, assumed: Assumed) -> dict[str, float]:
    """Dollars of a million such jobs, by column."""
    usd = {name: entry["usd"] / entry["per"] for name, entry in json.loads(PRICES.read_text())["prices"].items()}
    http, invocations = scenario.door in HTTP_DOORS, 2 if scenario.door == "async" else 1
    seconds = assumed.seconds * (1 if scenario.batch == 1 else BATCH_TIMES)
    # The caller's message is counted where it is sent; the poller's requests are additional.
    sqs = meter.used["sqs_request"] + (0 if scenario.door == "http" else POLLS)
    stored = sum(map(_stored, meter.items.values())) / GB * RETENTION_MONTHS
    recoverable = sum(weight(item) + ITEM_BYTES for item in meter.items.values()) / GB * RETENTION_MONTHS
    one = {
        "Lambda": invocations * (usd["lambda_request"] + seconds * assumed.gigabytes * usd["lambda_gb_second"]),
        "API Gateway": usd["http_api_request"] if http else 0.0,
        "SQS": sqs * usd["sqs_request"],
        "DynamoDB": meter.used["dynamodb_write_unit"] * usd["dynamodb_write_unit"]
        + meter.used["dynamodb_read_unit"] * usd["dynamodb_read_unit"]
        + stored * usd["dynamodb_gb_month"]
        + recoverable * usd["dynamodb_recovery_gb_month"],  # only of the table, without its indexes
        "EventBridge": meter.used["event"] * usd["event"]
        + meter.event_bytes / GB * (usd["event_archive_gb"] + RETENTION_MONTHS * usd["event_archive_gb_month"]),
        "Logs": (logged + invocations * PLATFORM_LOG + (ACCESS_LOG if http else 0)) / GB * usd["log_gb"],
    }
    return {name: dollars * JOBS / scenario.batch for name, dollars in one.items()}


def _stored(item: Any) -> int:
    """Billed bytes of an item and its copies in the indexes."""
    copies = [item, *(index_item(index, item) for index in TABLE["GlobalSecondaryIndexes"])]
    return sum(weight(copy) + ITEM_BYTES for copy in copies if copy)


def judged(dollars: float, goal: float | None) -> str:
    """Return the table's cell for a goal: the most that it allows, and "missed" if the rounded price is higher."""
    if goal is None:  # this row has no goal: it is there for comparison
        return "-"
    most = f"≤ ${goal:g}"
    return most if round(dollars, 2) <= goal else f"{most}, **missed**"


def table(assumed: Assumed) -> str:
    """The table in Markdown, with its assumptions."""
    known = json.loads(PRICES.read_text())
    lines = [
        f"| A million jobs of | {' | '.join(COLUMNS)} | **In all** | Goal | Writes | Events |",
        f"|---|{'---:|' * (len(COLUMNS) + 4)}",
    ]
    for scenario in SCENARIOS:
        meter, logged = run(scenario)
        dollars = price(scenario, meter, logged, assumed)
        cells = [f"{dollars[name]:.2f}" for name in COLUMNS]
        writes, events = (meter.used[name] / scenario.batch for name in ("dynamodb_write_unit", "event"))
        used = f"{writes:g} | {events:g}"
        total = sum(dollars.values())
        lines.append(
            f"| {scenario.name} | {' | '.join(cells)} | **${total:.2f}** | {judged(total, scenario.goal)} | {used} |"
        )
    transition = known["prices"]["state_transition"]["usd"]
    return "\n".join(
        [
            *lines,
            "",
            f"US dollars, {known['region']}, list prices read on {known['read_on']} (`benchmarks/prices.json`),",
            "without the free tier. A missed *goal* is marked.",
            "*Writes* are DynamoDB's write units of one job, including its indexes;",
            "*events* are EventBridge's; their archiving and 30 days in the archive are included.",
            f"Assumed: {assumed.seconds * 1000:.0f} ms an invocation, {BATCH_TIMES:g} times that with ten jobs,",
            f"at {assumed.gigabytes * 1024:.0f} MB. For comparison: ten state transitions of AWS Step Functions",
            f"(standard) are ${10 * transition:.2f} a million.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--milliseconds", type=float, default=100, help="duration of an invocation")
    parser.add_argument("--memory", type=float, default=1024, help="memory of a function in MB")
    parser.add_argument("--page", type=Path, help="a page with the markers; its table is replaced")
    given = parser.parse_args()
    text = table(Assumed(given.milliseconds / 1000, given.memory / 1024))
    if given.page:
        page = given.page.read_text(encoding="utf-8")
        head, rest = page.split(BEGIN)
        _, tail = rest.split(END)
        given.page.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
