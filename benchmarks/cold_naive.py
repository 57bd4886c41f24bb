"""The obvious first handler: boto3's clients at import, all of Powertools, and a loop over the steps.

Our cold start is compared with it. It runs the same ten sums and puts one item and one event; its network is cut off.
"""

from __future__ import annotations

import json
import os
import time

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_XRAY_SDK_ENABLED="false",  # no daemon listens here; on Lambda one does
    POWERTOOLS_METRICS_NAMESPACE="naive",
    POWERTOOLS_SERVICE_NAME="naive",
)

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from pydantic import BaseModel, validate_call

from benchmarks.memory import peak
from benchmarks.transport import cut

logger = Logger()
tracer = Tracer()
metrics = Metrics()
app = APIGatewayHttpResolver(enable_validation=True)
processor = BatchProcessor(event_type=EventType.SQS)
table = boto3.client("dynamodb")
bus = boto3.client("events")
queue = boto3.client("sqs")


class Step(BaseModel):
    value: int


@validate_call
def add(*, value1: int | float, value2: int | float) -> int | float:  # noqa: PYI041  # as the block has it
    return value1 + value2


def main() -> None:
    cut()
    value: int | float = 0
    for _ in range(10):
        step = Step(value=int(value))
        value = add(value1=step.value, value2=1)
    table.put_item(TableName="jobs", Item={"pk": {"S": "1"}, "sk": {"S": "JOB"}, "result": {"S": str(value)}})
    bus.put_events(Entries=[{"Source": "naive", "DetailType": "Job Finished", "Detail": json.dumps({"result": value})}])
    print(json.dumps({"result": value, "ended": time.time(), **peak()}))


if __name__ == "__main__":
    main()
