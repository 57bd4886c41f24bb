"""A fast job of ten steps against a server that takes 5 ms: our batches, or one write and one event for each step.

Both run this project's engine; only what is done with the updates differs. Prints milliseconds of wall time and of
this process's CPU for one job, and the calls and write units of one job.
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
from typing import Any

from benchmarks.chain import payload
from benchmarks.invocation import Context, prepare, queue_event

STEPS = 10


def batched() -> Callable[[], None]:
    """The worker's own door, with one message of the queue."""
    from handler.app import lambda_handler  # noqa: PLC0415  # the settings must be set before

    def job() -> None:
        answer: Any = lambda_handler(queue_event(json.dumps({**payload(STEPS), "id": uuid.uuid4().hex})), Context())
        if answer["batchItemFailures"]:
            raise SystemExit(f"the message was not worked off: {answer}")

    return job


def each_step() -> Callable[[], None]:
    """A listener that puts an item and an event at every step update, as one would first write it."""
    import boto3  # noqa: PLC0415  # as above

    from handler.engine import Conduit, ConduitStep  # noqa: PLC0415

    table, bus = boto3.client("dynamodb"), boto3.client("events")

    def keep(conduit: Conduit, step: ConduitStep) -> None:
        item = {
            "pk": f"queue#{conduit.id}",
            "sk": f"STEP#{step.position:05}",
            "action": step.action,
            "status": step.status.name,
            "result": step.result_json or "null",
        }
        table.put_item(TableName="jobs", Item={name: {"S": value} for name, value in item.items()})
        bus.put_events(
            Entries=[
                {
                    "EventBusName": "conduit",
                    "Source": "conduit",
                    "DetailType": "Step Updated",
                    "Detail": json.dumps(item),
                }
            ]
        )

    def job() -> None:
        conduit = Conduit.from_dict({**payload(STEPS), "id": uuid.uuid4().hex, "on_step_update": keep})
        asyncio.run(conduit.run())
        if not conduit.success:
            raise SystemExit("the job failed")

    return job


def measure(job: Callable[[], None], seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of wall time and of CPU, for each of the jobs that fit."""
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
    parser.add_argument("how", choices=["batched", "each_step"])
    parser.add_argument("--seconds", type=float, default=0.5)
    given = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.slow_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with server:
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"  # type: ignore[union-attr]  # it is a pipe
        prepare(address)
        job = {"batched": batched, "each_step": each_step}[given.how]()
        job()  # builds the clients and opens the connections
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
                "units": (after["units"] - before["units"]) / len(walls),
                "by_operation": calls,
                "runs": len(walls),
            }
        )
    )


def counted(address: str) -> dict[str, Any]:
    """What the server has counted so far."""
    with urllib.request.urlopen(address) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


if __name__ == "__main__":
    main()
