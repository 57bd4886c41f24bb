"""The worker's door in a fresh process: one message from the queue, ten sums, written and published.

The network is cut off: requests are built and signed, and answered in the process.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from benchmarks.chain import payload
from benchmarks.invocation import Context, prepare, queue_event

STEPS = 10


def main() -> None:
    prepare()
    lambda_handler = load()  # before the measuring code: on Lambda the handler's module is the first import too
    from benchmarks.memory import peak  # noqa: PLC0415  # not counted: only measuring code
    from benchmarks.transport import cut  # noqa: PLC0415

    answers = cut()
    event = queue_event(json.dumps({**payload(STEPS), "id": uuid.uuid4().hex}))
    answer = lambda_handler(event, Context())
    if answer["batchItemFailures"] or not answers.calls["PutEvents"]:
        raise SystemExit(f"the message was not processed: {answer}, {answers.calls}")
    print(json.dumps({"calls": sum(answers.calls.values()), "ended": time.time(), **peak()}))


def load() -> Callable[..., Any]:
    """Import the handler. The settings must be set before."""
    from handler.app import lambda_handler  # noqa: PLC0415  # see above

    return lambda_handler


if __name__ == "__main__":
    main()
