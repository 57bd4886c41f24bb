"""All costs of a job except the network: parsing and compiling it, arming timers, encoding results, items and events.

The worker gets one message of the queue, and clients that answer each request at once. Botocore's own work is left
out, because it depends on calls, not on steps; `batching` measures it.

With ``--invocation``, a whole invocation with only this message: also the handler, settings, batch processor and the
lines of metrics.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.chain import arguments, demand, payload, repeat, repeat_awaited, report
from benchmarks.invocation import Context, prepare, queue_event

if TYPE_CHECKING:
    from argparse import Namespace


class Client:
    """A client of every service, which accepts the writes of a new job, keeps the last batch, and answers at once."""

    def __init__(self) -> None:
        self.calls = 0
        self.last: list[dict[str, Any]] = []
        self.job: dict[str, Any] = {}

    def get_item(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        return {}

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        self.calls += 1
        ((_, self.last),) = request["RequestItems"].items()
        return {}

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.calls += 1
        self.job = request["Item"]
        return {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.calls += 1
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        for name, value in re.findall(r"(#\w+) = (:\w+)", request["UpdateExpression"]):
            self.job[names[name]] = values[value]
        return {"Attributes": self.job}

    def put_events(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        return {"FailedEntryCount": 0}

    def demand(self, result: int) -> None:
        """Check the result of the last step."""
        records = json.loads(self.last[-1]["PutRequest"]["Item"]["records"]["S"])
        demand(int(records[-1]["result"]), result)
        self.last = []


def main() -> None:
    given = arguments()
    prepare()
    from infra.aws.clients import Clients  # noqa: PLC0415
    from infra.messaging import event_bus  # noqa: PLC0415  # after the settings are set

    client = Client()
    Clients.client = lambda *_: client  # type: ignore[method-assign]  # the last thing before botocore
    event_bus.CALLS_AT_ONCE = 1  # type: ignore[misc]  # threads wait for the network together, and there is none here
    body = json.dumps(payload(given.steps))
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # the metrics, which are not read here
        taken = invoked(body, given, client) if given.invocation else asyncio.run(worked(body, given, client))
    report(taken, steps=given.steps, calls=client.calls)


async def worked(body: str, given: Namespace, client: Client) -> list[float]:
    """The seconds that the worker took for each message."""
    from handler.invocation.time_left import TimeLeft  # noqa: PLC0415  # as above
    from handler.jobs.messages import DONE, Message  # noqa: PLC0415
    from handler.jobs.queue_worker import Worker  # noqa: PLC0415
    from handler.settings import Settings  # noqa: PLC0415
    from handler.wiring import CLOCK, wire  # noqa: PLC0415

    ports = wire(Settings.from_environment(os.environ))

    async def job() -> float:
        began = time.perf_counter()
        CLOCK.restart()
        verdict = await Worker(ports).work(Message(id="m", body=body), TimeLeft.starting(CLOCK(), 60_000))
        taken = time.perf_counter() - began
        if verdict != DONE:
            raise SystemExit(f"the message was not processed: {verdict}")
        client.demand(given.steps)
        ports.metrics.flush()
        return taken

    return await repeat_awaited(job, seconds=given.seconds)


def invoked(body: str, given: Namespace, client: Client) -> list[float]:
    """The seconds that the handler took for each batch of one message."""
    from handler.app import lambda_handler  # noqa: PLC0415  # as above

    event, context = queue_event(body), Context()

    def job() -> float:
        began = time.perf_counter()
        answer: Any = lambda_handler(event, context)
        taken = time.perf_counter() - began
        if answer["batchItemFailures"]:
            raise SystemExit(f"the message was not processed: {answer}")
        client.demand(given.steps)
        return taken

    return repeat(job, seconds=given.seconds)


if __name__ == "__main__":
    main()
