"""The arguments that Lambda passes to `lambda_handler`, and the settings of a deployment."""

from __future__ import annotations

import os
import time
import uuid

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "TABLE_NAME": "jobs",
    "BUS_NAME": "conduit",
    "QUEUE_URL": "http://127.0.0.1/queue",
    "DEAD_LETTER_QUEUE_URL": "http://127.0.0.1/dead",
    "POWERTOOLS_SERVICE_NAME": "conduit",
    "POWERTOOLS_METRICS_NAMESPACE": "conduit",
    "LOG_LEVEL": "WARNING",  # the cost of log lines is not measured
}


class Context:
    """The context of one invocation with a minute of time."""

    function_name = "conduit-worker"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:conduit-worker"
    memory_limit_in_mb = 512
    log_group_name = "/aws/lambda/conduit-worker"
    log_stream_name = "1"

    def __init__(self) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self._ends = time.monotonic() + 60

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends - time.monotonic()) * 1000)


def prepare(endpoint: str = "http://127.0.0.1:9") -> None:
    """Set the variables that `Settings` and botocore read.

    Args:
        endpoint: the address of the AWS emulator. With the default, a call that leaves the process fails.
    """
    os.environ.update(ENVIRONMENT)
    os.environ["AWS_ENDPOINT_URL"] = endpoint


def queue_event(body: str) -> dict[str, list[dict[str, object]]]:
    """The event that Lambda passes for one message of the queue, received for the first time."""
    now = str(int(time.time() * 1000))
    return {
        "Records": [
            {
                "messageId": str(uuid.uuid4()),
                "receiptHandle": "handle",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": now,
                    "SenderId": "123456789012",
                    "ApproximateFirstReceiveTimestamp": now,
                },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:conduit",
                "awsRegion": "us-east-1",
            }
        ]
    }
