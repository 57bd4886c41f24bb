"""A fast job of ten steps against a server that takes 5 ms, with our batches or with a write and an event per update.

All run this project's engine and differ only in the handling of updates. Prints the milliseconds of wall time and of
this process's CPU time for one job, and its calls and write units. ``batched`` is one message; ``batch_of_ten`` is ten
in one invocation, and its figures are those of the whole batch.

``each_step`` writes and publishes only the steps. ``each_update`` keeps the same records as we do: it also writes the
job's own record at its start and at its end, and publishes the end. Conduit is compared with ``each_update``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.chain import payload
from benchmarks.invocation import Context, prepare, queue_event

if TYPE_CHECKING:
    from handler.engine import Conduit, ConduitStep

STEPS = 10
WARM_UP = 3
"""Runs that are not measured: they make the clients, open the connections, and let Python specialise its code."""
TEN = 10
"""Messages of a batch whose jobs run concurrently."""


def received(messages: int) -> Callable[[], None]:
    """The worker's own door, with `messages` messages of the queue, each a new job."""
    from handler.app import lambda_handler  # noqa: PLC0415  # after the settings are set

    def process() -> None:
        bodies = [json.dumps({**payload(STEPS), "id": uuid.uuid4().hex}) for _ in range(messages)]
        event = {"Records": [record for body in bodies for record in queue_event(body)["Records"]]}
        answer: Any = lambda_handler(event, Context())
        if answer["batchItemFailures"]:
            raise SystemExit(f"a message was not processed: {answer}")

    return process


class Naive:
    """Puts an item and an event at every update: the obvious first implementation."""

    def __init__(self) -> None:
        import boto3  # noqa: PLC0415  # as above

        self._table, self._bus = boto3.client("dynamodb"), boto3.client("events")

    def write(self, item: dict[str, str]) -> None:
        self._table.put_item(TableName="jobs", Item={name: {"S": value} for name, value in item.items()})

    def publish(self, kind: str, item: dict[str, str]) -> None:
        entry = {"EventBusName": "conduit", "Source": "conduit", "DetailType": kind, "Detail": json.dumps(item)}
        self._bus.put_events(Entries=[entry])

    def keep_step(self, conduit: Conduit, step: ConduitStep) -> None:
        item = {
            "pk": f"queue#{conduit.id}",
            "sk": f"STEP#{step.position:05}",
            "action": step.action,
            "status": step.status.name,
            "result": step.result_json or "null",
        }
        self.write(item)
        self.publish("Step Updated", item)

    def run(self, *, keep_job: bool) -> None:
        """Run one job. `keep_job`: the job itself is stored too, besides its steps."""
        from handler.engine import Conduit  # noqa: PLC0415  # as above

        sent = {**payload(STEPS), "id": uuid.uuid4().hex}
        job = {"pk": f"queue#{sent['id']}", "sk": "JOB", "status": "RUNNING", "payload": json.dumps(sent)}
        if keep_job:
            self.write(job)
        conduit = Conduit.from_dict({**sent, "on_step_update": self.keep_step})
        asyncio.run(conduit.run())
        if not conduit.success:
            raise SystemExit("the job failed")
        if keep_job:
            ended = {**job, "status": "SUCCEEDED"}
            self.write(ended)
            self.publish("Job Finished", {name: ended[name] for name in ("pk", "status")})


def each_step() -> Callable[[], None]:
    """A write and an event for each step, and none for the job itself."""
    return partial(Naive().run, keep_job=False)


def each_update() -> Callable[[], None]:
    """A write and an event for each step; the job is also written at its start and its end, and its end published."""
    return partial(Naive().run, keep_job=True)


WAYS = {
    "batched": partial(received, 1),
    "batch_of_ten": partial(received, TEN),
    "each_step": each_step,
    "each_update": each_update,
}


def measure(job: Callable[[], None], seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of wall time and of CPU time, for each job that fits into `seconds`."""
    walls, cpus = [], []
    end = time.perf_counter() + seconds
    while not walls or time.perf_counter() < end:
        wall, cpu = time.perf_counter(), time.process_time()
        job()
        walls.append((time.perf_counter() - wall) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    return walls, cpus


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=[*WAYS])
    parser.add_argument("--seconds", type=float, default=0.5)
    given = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.slow_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with server:
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"  # type: ignore[union-attr]  # it is a pipe
        prepare(address)
        job = WAYS[given.how]()
        for _ in range(WARM_UP):
            job()
        before = counted(address)
        walls, cpus = measure(job, given.seconds)
        after = counted(address)
        server.stdin.close()  # type: ignore[union-attr]  # it is a pipe, and this ends the server
    calls = {name: (count - before["calls"].get(name, 0)) / len(walls) for name, count in after["calls"].items()}
    print(
        json.dumps(
            {
                "wall_ms": statistics.median(walls),
                "cpu_ms": statistics.median(cpus),
                "calls": sum(calls.values()),
                "table_calls": sum(count for name, count in calls.items() if name != "PutEvents"),
                "units": (after["units"] - before["units"]) / len(walls),
                "by_operation": calls,
                "runs": len(walls),
            }
        )
    )


def counted(address: str) -> dict[str, Any]:
    """The server's counters so far."""
    with urllib.request.urlopen(address) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


if __name__ == "__main__":
    main()
