"""Moto's interpreter of the Amazon States Language: ``Pass`` states that add with ``States.MathAdd``.

From ``StartExecution`` to the first answer that shows the end, polled every 2 ms. Making the state machine is left out.
"""

from __future__ import annotations

import json
import os
import time
from itertools import count
from typing import Any

import boto3
from moto import mock_aws

from benchmarks.chain import arguments, demand, repeat, report

ROLE = "arn:aws:iam::123456789012:role/benchmark"


def machine(steps: int) -> dict[str, Any]:
    """The chain in the Amazon States Language."""
    states: dict[str, Any] = {}
    for position in range(1, steps + 1):
        end = {"End": True} if position == steps else {"Next": f"s{position + 1}"}
        states[f"s{position}"] = {"Type": "Pass", "Parameters": {"value.$": "States.MathAdd($.value, 1)"}, **end}
    return {"StartAt": "s1", "States": states}


def main() -> None:
    given = arguments()
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION="us-east-1",  # moto asks for any
    )
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = boto3.client("stepfunctions")
        arn = client.create_state_machine(name="chain", definition=json.dumps(machine(given.steps)), roleArn=ROLE)[
            "stateMachineArn"
        ]

        names = (f"run-{number}" for number in count())

        def job() -> float:
            began = time.perf_counter()
            execution = client.start_execution(stateMachineArn=arn, name=next(names), input='{"value": 0}')[
                "executionArn"
            ]
            while (seen := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
                time.sleep(0.002)
            taken = time.perf_counter() - began
            demand(json.loads(seen.get("output", "{}")).get("value"), given.steps)
            return taken

        report(repeat(job, seconds=given.seconds), steps=given.steps)


if __name__ == "__main__":
    main()
