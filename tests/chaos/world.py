"""The table, the bus and the queues of a chaos run, as `template.yaml` describes them, but with short times."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from infra.aws.backoff import Backoff
from infra.jobs.jobs_table import JobsTable
from infra.local import EmbeddedAws
from infra.messaging.event_bus import SOURCE
from infra.table.dynamo_items import DynamoItems
from tests.chaos.emulator import emulated_aws
from tests.chaos.ledger import VARIABLE, WHO, note
from tests.chaos.processes import SETTINGS, VISIBILITY
from tests.chaos.workload import SERVICE
from tests.http.servers import Request, Server, json_answer


class ServedAws(EmbeddedAws):
    """The same resources in an emulator in another process; a queue gets every event of the bus."""

    def _make_bus(self) -> None:
        self._seen_url: str = self._sqs.create_queue(QueueName=f"{self.bus}-seen")["QueueUrl"]
        events = cast("Any", self.clients.events())
        events.create_event_bus(Name=self.bus)
        events.put_rule(Name="seen", EventBusName=self.bus, EventPattern=json.dumps({"source": [SOURCE]}))
        target = {"Id": "seen", "Arn": self._arn(self._seen_url)}
        events.put_targets(Rule="seen", EventBusName=self.bus, Targets=[target])

    def bus_events(self) -> list[dict[str, Any]]:
        self._seen += [json.loads(message["Body"]) for message in self._drain(self._seen_url)]
        return list(self._seen)


@contextmanager
def chaos_world(emulator: str, folder: Path) -> Iterator[EmbeddedAws]:
    """Start the emulator, create a deployment's resources, and set the environment that every process inherits."""
    with emulated_aws(emulator, folder):
        aws = ServedAws(1, fifo=False)
        queue = cast("Any", aws.clients.sqs())
        queue.set_queue_attributes(QueueUrl=aws.queue_url, Attributes={"VisibilityTimeout": str(VISIBILITY)})
        noted = {VARIABLE: str(folder / "ledger"), WHO: "conductor"}
        with Server(_serve) as service:
            called = {"HTTP_PORTS": str(service.port), SERVICE: service.url()}
            with _environment({**aws.environment, **SETTINGS, **noted, **called}):
                yield aws


def _serve(request: Request) -> bytes:
    """The service that jobs call: it records the key of each call and returns it."""
    key = request.headers["idempotency-key"]
    note("call", call=request.target.rpartition("=")[2], key=key)
    return json_answer(json.dumps({"key": key}))


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]


def jobs_table(aws: EmbeddedAws) -> JobsTable:
    """The table as the handler sees it."""
    backoff = Backoff(sleep=asyncio.sleep, random=random.random)
    return JobsTable(DynamoItems(aws.clients.dynamodb, aws.table, backoff))
