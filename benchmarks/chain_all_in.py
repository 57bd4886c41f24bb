"""All that a job costs but the network: JSON read, compiled, timer armed, results encoded, items and events built.

The worker's own door with one message of the queue, and clients that take their requests and answer at once.
Botocore's own work is left out, as it is paid by the call, not by the step: what that comes to, `batching` shows.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks.answers import Answers
from benchmarks.chain import arguments, demand, payload, repeat, tell
from benchmarks.invocation import Context, prepare, queue_event

OPERATIONS = {
    "put_item": "PutItem",
    "update_item": "UpdateItem",
    "batch_write_item": "BatchWriteItem",
    "get_item": "GetItem",
    "query": "Query",
    "put_events": "PutEvents",
    "send_message": "SendMessage",
}


class Client:
    """A client of every service, which answers in this process."""

    def __init__(self, answers: Answers) -> None:
        for method, operation in OPERATIONS.items():
            setattr(self, method, lambda _operation=operation, **request: answers.answer(_operation, request))


def main() -> None:
    given = arguments()
    prepare()
    from handler.app import lambda_handler  # noqa: PLC0415  # the settings must be set before
    from infra import event_bus  # noqa: PLC0415
    from infra.clients import Clients  # noqa: PLC0415

    answers = Answers(weigh=False)
    client = Client(answers)
    Clients.client = lambda *_: client  # type: ignore[method-assign]  # the last thing before botocore
    event_bus.CALLS_AT_ONCE = 1  # type: ignore[misc]  # threads wait for the network together, and there is none here
    event, context = queue_event(json.dumps(payload(given.steps))), Context()

    def job() -> float:
        answers.forget()
        began = time.perf_counter()
        answer: Any = lambda_handler(event, context)
        taken = time.perf_counter() - began
        if answer["batchItemFailures"]:
            raise SystemExit("the message was not worked off")
        demand(int(answers.last_result()), given.steps)
        return taken

    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # the metrics: made, and read by nobody here
        taken = repeat(job, seconds=given.seconds)
    tell(taken, steps=given.steps, calls=sum(answers.calls.values()))


if __name__ == "__main__":
    main()
