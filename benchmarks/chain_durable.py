"""AWS's durable execution SDK on its local runner, which keeps each step's checkpoint in memory.

Only the time inside the handler counts, from the first step to the last: its start and its polling are left out, which
is to its advantage.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

from benchmarks.chain import arguments, demand, repeat, report


def main() -> None:
    logging.disable(logging.CRITICAL)
    given = arguments()
    spent: list[float] = []

    @durable_execution
    def chain(event: Any, context: DurableContext) -> int:  # noqa: ARG001  # the SDK's signature
        value = 0
        began = time.perf_counter()
        for position in range(given.steps):
            value = context.step(lambda _, so_far=value: so_far + 1, name=f"s{position}")
        spent.append(time.perf_counter() - began)
        return value

    with DurableFunctionTestRunner(handler=chain, poll_interval=0.01, execution_timeout=120) as runner:

        def job() -> float:
            result = runner.run(input="{}")
            demand(int(result.result), given.steps)
            return spent[-1]

        report(repeat(job, seconds=given.seconds), steps=given.steps)


if __name__ == "__main__":
    main()
