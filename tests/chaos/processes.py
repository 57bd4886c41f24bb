"""The processes that die: one loop each for Lambda's poller, its schedule and its gateway.

Each calls the real `lambda_handler` with events as AWS makes them and a context that counts down. The process is forked
from one that has imported everything, as a sandbox is restored from a snapshot.
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, LocalContext, http_event, schedule_event
from infra.local import EmbeddedAws
from tests.chaos.ledger import WHO, note
from tests.chaos.workload import BLOCK_SECONDS

TENANT = "chaos"
IN_LAMBDA = "AWS_LAMBDA_RUNTIME_API"
"""Set wherever Lambda's runtime client runs."""
LIFE = 4.5
"""Seconds of an invocation, including `RESERVE`: enough for a short job, too few for a long one."""
MARGIN = 1.0
"""`LEASE_MARGIN`: all processes share a clock, but a loaded machine may stop one of them for a while."""
VISIBILITY = 7
"""Seconds: longer than an invocation and its lease, as in the template."""
SETTINGS = {
    "QUEUE_TENANT": TENANT,
    "RESERVE": "1",
    "LEASE_MARGIN": str(MARGIN),
    "FLUSH_INTERVAL": "0.2",
    "HTTP_SECONDS": "3",
    "HTTP_PLAIN": "true",
    "HTTP_PRIVATE_HOSTS": "localhost",
}
BATCH = 10
"""The most messages in an invocation, as in the template, so that a kill may hit several."""
IDLE_SECONDS = 0.2
"""How long a worker waits before it polls an empty queue again; each poll costs the emulator some time."""
SWEEP_EVERY = 1.0
"""Seconds; the deployment's is 60."""

assert LIFE - 1 > BLOCK_SECONDS, "no block would ever begin"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The environment of a process.

    Attributes:
        aws: the table, the bus and the queues.
        log: the file for its output: log lines and metrics.
    """

    aws: EmbeddedAws
    log: Path

    def enter(self, who: str) -> None:
        """Become a process of Lambda's: output goes to the log, and the hard stop is armed."""
        os.environ[WHO] = who
        file = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(file, 1)
        os.dup2(file, 2)
        self.aws.reconnect()  # the inherited sockets belong to the parent process
        os.environ[IN_LAMBDA] = "127.0.0.1:0"  # arms the hard stop, which ends a process as Lambda would

    def invoke(self, event: dict[str, Any], door: str, **facts: Any) -> Any:
        """One invocation, with a line in the ledger before and after it."""
        context = LocalContext(aws_request_id=str(uuid.uuid4()), ends_at=time.monotonic() + LIFE, now=time.monotonic)
        note("begin", door=door, **facts)
        answer = lambda_handler(event, context)
        note("end", door=door)
        return answer


def run_worker(sandbox: Sandbox, who: str) -> None:
    """Receive messages, invoke, and acknowledge those that did not fail, forever."""
    sandbox.enter(who)
    aws = sandbox.aws
    while True:
        event = aws.receive(BATCH)
        records = event["Records"]
        if not records:
            time.sleep(IDLE_SECONDS)
            continue
        again = sum(int(record["attributes"]["ApproximateReceiveCount"]) > 1 for record in records)
        answer = sandbox.invoke(event, "queue", messages=len(records), again=again)
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for record in records:
            if record["messageId"] not in failed:
                aws.delete(record["receiptHandle"])


def run_sweeper(sandbox: Sandbox, who: str) -> None:
    """Invoke by schedule, forever."""
    sandbox.enter(who)
    while True:
        sandbox.invoke(schedule_event(event_id=str(uuid.uuid4()), at=time.time()), "sweep")
        time.sleep(SWEEP_EVERY)


def run_request(sandbox: Sandbox, who: str, body: str, respond_async: bool) -> None:
    """One `POST /jobs`. The answer that the sender gets goes to the ledger."""
    sandbox.enter(who)
    headers = {"content-type": "application/json"} | ({"prefer": "respond-async"} if respond_async else {})
    request = HttpRequest(method="POST", target="/jobs", headers=headers, body=body)
    event = http_event(request, Identity(subject=TENANT), request_id=str(uuid.uuid4()), at=time.time())
    answer = sandbox.invoke(event, "http")
    note("answer", status=answer["statusCode"], body=answer["body"])
