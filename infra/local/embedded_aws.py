"""The embedded AWS: moto in this process, for a developer's machine and the tests.

Needs the packages of `requirements-dev.txt`. The table, the bus and the queues are those of `template.yaml`; a test
compares them.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, cast

from infra.aws.clients import Clients
from infra.local.bus import follow_bus
from infra.local.door import one_at_a_time
from infra.local.queue_poller import RECEIVE_MOST, QueuePoller, receive_messages
from infra.local.schedule_list import list_schedules, schedule_keys
from infra.local.transactions import small_transactions
from infra.table.attributes import decode_item
from infra.table.items import BY_TENANT, DUE, Index, Item

REGION: Final = "eu-central-1"
"""Any region works: nothing leaves the process."""
ACCOUNT: Final = "123456789012"
"""moto's account."""


def _projection(index: Index) -> dict[str, Any]:
    if not index.shows:
        return {"ProjectionType": "KEYS_ONLY"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.shows)}


TABLE: Final[Mapping[str, Any]] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
        *(
            {"AttributeName": name, "AttributeType": kind}
            for index in (BY_TENANT, DUE)
            for name, kind in ((index.key, "S"), (index.sort, "N"))
        ),
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": index.name,
            "KeySchema": [
                {"AttributeName": index.key, "KeyType": "HASH"},
                {"AttributeName": index.sort, "KeyType": "RANGE"},
            ],
            "Projection": _projection(index),
        }
        for index in (BY_TENANT, DUE)
    ],
}
"""The request of CreateTable, without the name."""
TTL_ATTRIBUTE: Final = "expires_at"
QUEUE: Final[Mapping[str, int]] = {"VisibilityTimeout": 310, "MessageRetentionPeriod": 345_600}
"""Attributes of the queue, in seconds; the visibility timeout fits the template's default of the worker's timeout."""
MAX_RECEIVES: Final = 20
"""The number of receives after which SQS moves a message to the dead-letter queue."""
DEAD_LETTER_QUEUE: Final[Mapping[str, int]] = {"MessageRetentionPeriod": 1_209_600}
_FOREIGN: Final = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
"""Variables that would lead a client away from the embedded AWS."""
_ENDPOINTS: Final = ("DYNAMODB", "EVENTBRIDGE", "KMS", "SCHEDULER", "SQS", "STS")
_entries = itertools.count(1)


class _Shared:
    """The parts that all `embedded` of this process share, because they take 96 of the 115 ms to enter one.

    These are the clients, and the key of secrets: with each key, moto makes an RSA key, too.
    """

    def __init__(self) -> None:
        self.clients = Clients(region=REGION)
        self._key: Any = None

    def bring_key(self) -> str:
        """Put the key into an empty moto; return its id."""
        from moto.kms.models import kms_backends  # noqa: PLC0415  # only a developer's machine has moto

        held = kms_backends[ACCOUNT][REGION].keys
        self._key = self._key or held[_make_key(self.clients)]
        held[self._key.id] = self._key
        return str(self._key.id)


_shared: Final = cache(_Shared)


class EmbeddedAws:
    """The resources of the embedded AWS, for code that acts as the rest of AWS: poller, schedule, consumer.

    Args:
        number: part of the names of all resources.
        fifo: whether the queues are FIFO queues.
        shared: the shared parts; without them, clients use the AWS of their environment.

    Attributes:
        clients: low-level clients of this AWS.
        table, bus: the names of the table and the bus.
        key: the id of the key of secrets.
        queue_url, queue_arn, dead_letter_queue_url: of the queue of jobs and its dead-letter queue.
        schedule_group: of EventBridge Scheduler.
    """

    def __init__(self, number: int, *, fifo: bool, shared: _Shared | None = None) -> None:
        ending = ".fifo" if fifo else ""
        self.clients = shared.clients if shared else Clients(region=REGION)
        self.table = f"conduit-{number}"
        self.bus = f"conduit-{number}"
        self.queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:conduit-{number}{ending}"
        self._sqs = cast("Any", self.clients.sqs())
        self._fifo: dict[str, str] = {"FifoQueue": "true"} if fifo else {}
        self._make_table()
        self.dead_letter_queue_url = self._make_queue(f"conduit-{number}-dead{ending}", DEAD_LETTER_QUEUE)
        redrive = {"deadLetterTargetArn": self._arn(self.dead_letter_queue_url), "maxReceiveCount": MAX_RECEIVES}
        self.queue_url = self._make_queue(f"conduit-{number}{ending}", {**QUEUE, "RedrivePolicy": json.dumps(redrive)})
        self._poller = self._make_poller()
        self.schedule_group = self._make_schedule_group(f"conduit-{number}")
        self.key = shared.bring_key() if shared else _make_key(self.clients)
        self._seen: list[dict[str, Any]] = []
        self._make_bus()
        self._dead: list[dict[str, Any]] = []

    def _make_poller(self) -> QueuePoller:
        return QueuePoller(self._sqs, url=self.queue_url, arn=self.queue_arn, region=REGION)

    def reconnect(self) -> None:
        """Use new connections in this process. Two processes that share a socket would read each other's answers."""
        self.clients = Clients(region=REGION)
        self._sqs = cast("Any", self.clients.sqs())
        self._poller = self._make_poller()

    def _make_table(self) -> None:
        dynamodb = cast("Any", self.clients.dynamodb())
        dynamodb.create_table(TableName=self.table, **TABLE)
        dynamodb.update_time_to_live(
            TableName=self.table, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
        )

    def _make_queue(self, name: str, attributes: Mapping[str, object]) -> str:
        texts = {key: str(value) for key, value in attributes.items()} | self._fifo
        url: str = self._sqs.create_queue(QueueName=name, Attributes=texts)["QueueUrl"]
        return url

    def _make_schedule_group(self, name: str) -> str:
        cast("Any", self.clients.scheduler()).create_schedule_group(Name=name)
        return name

    def schedules(self) -> list[dict[str, Any]]:
        """Every schedule in the form of EventBridge Scheduler, ordered by name. They do not fire by themselves."""
        return list_schedules(self.clients.scheduler(), self.schedule_group)

    def schedule_keys(self) -> list[tuple[str, str]]:
        """Tenant and id of every schedule, in the form for `handler.workflows.due_firings`."""
        return schedule_keys(self.clients.scheduler(), self.schedule_group)

    def _make_bus(self) -> None:
        """The bus, with a rule that hands every event of Conduit to `bus_events`."""
        events = cast("Any", self.clients.events())
        events.create_event_bus(Name=self.bus)
        follow_bus(events, self.bus, (ACCOUNT, REGION), self._seen.append)

    @staticmethod
    def _arn(url: str) -> str:
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables for `Settings` and for AWS clients."""
        return {
            "TABLE_NAME": self.table,
            "BUS_NAME": self.bus,
            "QUEUE_URL": self.queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letter_queue_url,
            "SCHEDULER_GROUP": self.schedule_group,
            "SCHEDULER_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/{self.schedule_group}",
            "SCHEDULER_QUEUE_ARN": self.queue_arn,
            "SECRETS_KEY": self.key,
            "AWS_CALL_ROLE": f"arn:aws:iam::{ACCOUNT}:role/{self.table}-calls",
            "STACK": self.table,
            "PAGE": "true",
        }

    def table_items(self) -> list[Item]:
        """Every item of the table, ordered by its keys."""
        pages = cast("Any", self.clients.dynamodb()).get_paginator("scan").paginate(TableName=self.table)
        items = [item for page in pages for found in page["Items"] if (item := decode_item(found))]
        return sorted(items, key=lambda item: (str(item["pk"]), str(item["sk"])))

    def bus_events(self) -> list[dict[str, Any]]:
        """Every event on the bus so far, in the form for consumers: ``source``, ``detail-type``, ``detail``..."""
        return list(self._seen)

    def dead_letters(self) -> list[dict[str, Any]]:
        """Every message in the dead-letter queue so far: ``{"body", "attributes": {name: string}}``."""
        self._dead += [
            {
                "body": message["Body"],
                "attributes": {
                    name: attribute["StringValue"] for name, attribute in message.get("MessageAttributes", {}).items()
                },
            }
            for message in self._drain(self.dead_letter_queue_url)
        ]
        return list(self._dead)

    def _drain(self, url: str) -> Iterator[dict[str, Any]]:
        while messages := receive_messages(self._sqs, url, RECEIVE_MOST):
            for message in messages:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield message

    def receive(self, most: int = RECEIVE_MOST) -> dict[str, Any]:
        """Receive messages of the queue of jobs; see `QueuePoller.receive`."""
        return self._poller.receive(most)

    def delete(self, receipt_handle: str) -> None:
        """Acknowledge a message of the queue of jobs."""
        self._poller.delete(receipt_handle)

    def release(self, receipt_handle: str) -> None:
        """Make a received message of the queue of jobs visible again at once."""
        self._poller.release(receipt_handle)


@contextmanager
def embedded(*, fifo: bool = False) -> Iterator[EmbeddedAws]:
    """Start the embedded AWS, create the resources of `template.yaml`, and set the environment that `Settings` reads.

    Inside it, `handler.app.lambda_handler` accepts every kind of event. It runs no worker and no sweeper by itself. It
    can be entered many times, one at a time: each time everything is empty and has new names (except the key of
    secrets), so that nothing cached by name is found again. The environment is restored at the end.

    Args:
        fifo: make the queues FIFO queues.
    """
    from moto import mock_aws  # noqa: PLC0415 (a second; only a developer's machine has it)

    with _environment(_safe_environment()), mock_aws(), one_at_a_time(), small_transactions():
        aws = EmbeddedAws(next(_entries), fifo=fifo, shared=_shared())
        with _environment(dict(aws.environment)):
            yield aws


def _make_key(clients: Clients) -> str:
    return str(cast("Any", clients.kms()).create_key(Description="secrets")["KeyMetadata"]["KeyId"])


def _safe_environment() -> dict[str, str | None]:
    """Credentials without any rights, and none of the developer's own configuration."""
    services = (f"AWS_ENDPOINT_URL_{service}" for service in _ENDPOINTS)
    return {
        **dict.fromkeys((*_FOREIGN, *services)),
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def _environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """Set these variables (``None``: unset them) until the end of the block."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
