"""The built artifact, an emulator in the place of AWS, and the functions that run the artifact.

`make artifact-test` builds the artifact and sets its path; without it the tests are skipped.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.artifact.emulated import EmulatedSandbox
from tests.artifact.sandbox import Sandbox
from tests.e2e.emulator import Emulator, clean_environment, running_emulator
from tests.template.reading import read_template

ARTIFACT = os.environ.get("CONDUIT_ARTIFACT")
if ARTIFACT is None:
    collect_ignore_glob = ["test_*.py"]

PROBES = Path(__file__).parent / "probes"
"""An installed package with blocks, like a deployment's own."""
SANDBOXES = {"runtime-client": Sandbox, "interface-emulator": EmulatedSandbox}


@dataclass(frozen=True)
class Stack:
    """The table, the bus and the queues that the functions of one test use."""

    emulator: Emulator
    table: str
    queue_url: str
    dead_letter_queue_url: str
    queue_arn: str
    bus: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.emulator.environment,
            "TABLE_NAME": self.table,
            "BUS_NAME": self.bus,
            "QUEUE_URL": self.queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letter_queue_url,
            "QUEUE_ARNS": self.queue_arn,
            "QUEUE_TENANT": "acme",
            # A lease ends with its invocation, so the tests need not wait for a margin.
            "LEASE_MARGIN": "0",
            "POWERTOOLS_SERVICE_NAME": "conduit",
            "POWERTOOLS_METRICS_NAMESPACE": "Conduit",
        }

    def record_of(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a message and receive it, as the poller hands it to the function."""
        sqs = self.emulator.client("sqs")
        sqs.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(payload))
        return self.receive()

    def receive(self) -> dict[str, Any]:
        """The next message of the queue as a record of an SQS event."""
        sqs = self.emulator.client("sqs")
        answer = sqs.receive_message(
            QueueUrl=self.queue_url, AttributeNames=["All"], WaitTimeSeconds=10, MaxNumberOfMessages=1
        )
        (message,) = answer["Messages"]
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue_arn,
            "awsRegion": self.emulator.environment["AWS_REGION"],
        }

    def show_again(self, record: dict[str, Any]) -> dict[str, Any]:
        """Receive a message once more, as the queue delivers it when its visibility timeout ends."""
        sqs = self.emulator.client("sqs")
        sqs.change_message_visibility(
            QueueUrl=self.queue_url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
        )
        return self.receive()


Function = Sandbox | EmulatedSandbox
MakeFunction = Callable[..., Function]


@pytest.fixture(scope="session")
def artifact() -> Path:
    assert ARTIFACT is not None
    return Path(ARTIFACT).resolve()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture
def stack(emulator: Emulator) -> Stack:
    name = f"conduit-{uuid.uuid4().hex[:8]}"
    table = read_template()["Resources"]["Table"]["Properties"]
    keys = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    emulator.client("dynamodb").create_table(TableName=name, **{key: table[key] for key in keys})
    emulator.client("events").create_event_bus(Name=name)
    sqs = emulator.client("sqs")
    queue, dead = (sqs.create_queue(QueueName=f"{name}-{kind}")["QueueUrl"] for kind in ("queue", "dead"))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Stack(emulator, name, queue, dead, arn, name)


@pytest.fixture
def probe_notes(tmp_path: Path) -> Path:
    """The folder in which the probe blocks record each of their calls."""
    notes = tmp_path / "notes"
    notes.mkdir()
    return notes


@pytest.fixture(params=list(SANDBOXES))
def make_function(
    request: pytest.FixtureRequest, artifact: Path, stack: Stack, probe_notes: Path, tmp_path: Path
) -> Iterator[MakeFunction]:
    """Makes functions that run the artifact, under either of the two stand-ins for Lambda."""
    with ExitStack() as functions:

        def make(*, timeout: float = 29, **settings: str) -> Function:
            environment = {
                **stack.environment,
                "PYTHONPATH": str(PROBES),
                "PROBE_NOTES": str(probe_notes),
                # /var/task cannot be written.
                "PYTHONDONTWRITEBYTECODE": "1",
                "LAMBDA_TASK_ROOT": str(artifact),
                "AWS_LAMBDA_FUNCTION_NAME": "conduit",
                **settings,
            }
            kind = SANDBOXES[request.param]
            function = kind(artifact, clean_environment(environment), timeout=timeout, log=tmp_path / "function.log")
            functions.callback(function.close)
            return function

        yield make
