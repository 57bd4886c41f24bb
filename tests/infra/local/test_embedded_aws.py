"""The embedded AWS: its resources, and that nothing of it remains afterwards."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml

from infra.aws.calls import at_once
from infra.aws.clients import Clients
from infra.errors import MisconfiguredError
from infra.local import DEAD_LETTER_QUEUE, MAX_RECEIVES, QUEUE, REGION, TABLE, TTL_ATTRIBUTE, embedded
from infra.messaging.event_bus import Entry, EventBus
from infra.messaging.job_queue import JobQueue
from infra.table.dynamo_items import DynamoItems

if TYPE_CHECKING:
    from infra.aws.backoff import Backoff
    from tests.infra.conftest import Drive


def test_the_environment_names_the_resources_and_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "mine")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://mine")
    monkeypatch.delenv("BUS_NAME", raising=False)
    before = dict(os.environ)
    with embedded() as aws:
        assert os.environ["TABLE_NAME"] == aws.table
        assert os.environ["BUS_NAME"] == aws.bus
        assert os.environ["QUEUE_URL"] == aws.queue_url
        assert os.environ["DEAD_LETTER_QUEUE_URL"] == aws.dead_letter_queue_url
        assert os.environ["AWS_REGION"] == REGION
        assert "AWS_PROFILE" not in os.environ
        assert "AWS_ENDPOINT_URL" not in os.environ
    assert dict(os.environ) == before


def test_the_environment_is_restored_after_an_error() -> None:
    before = dict(os.environ)

    def fail() -> None:
        with embedded():
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert dict(os.environ) == before


def test_it_is_empty_each_time_and_has_other_names(drive: Drive, backoff: Backoff) -> None:
    """A client or a name from an earlier embedded AWS reaches nothing in a later one."""
    with embedded() as first:
        kept = DynamoItems(first.clients.dynamodb, first.table, backoff)
        drive(kept.put_all([{"pk": "a", "sk": "JOB"}]))
        drive(
            EventBus(first.clients.events, first.bus, backoff).publish([Entry("Job Finished", "{}", 1.0)], missed=print)
        )
        drive(JobQueue(first.clients.sqs, first.queue_url, first.dead_letter_queue_url).send("{}"))
        assert first.table_items() == [{"pk": "a", "sk": "JOB"}]
    with embedded() as second:
        assert second.environment.keys() == first.environment.keys()
        shared = {name for name, value in first.environment.items() if second.environment[name] == value}
        assert shared == {"PAGE", "SECRETS_KEY"}  # an option, and a key whose encrypted secrets are in another table
        assert (second.table_items(), second.bus_events(), second.receive()["Records"]) == ([], [], [])
        assert second.dead_letters() == []
        with pytest.raises(MisconfiguredError):
            drive(kept.get("a", "JOB"))


def test_clients_built_from_the_environment_reach_it(drive: Drive, backoff: Backoff) -> None:
    with embedded() as aws:
        items = DynamoItems(Clients().dynamodb, os.environ["TABLE_NAME"], backoff)
        drive(items.put_all([{"pk": "a", "sk": "JOB"}]))
        assert len(aws.table_items()) == 1


def test_the_table_forgets_by_its_time_to_live() -> None:
    with embedded() as aws:
        answer = cast("Any", aws.clients.dynamodb()).describe_time_to_live(TableName=aws.table)
        assert answer["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": TTL_ATTRIBUTE}


def test_only_our_events_are_kept_for_reading(backoff: Backoff, drive: Drive) -> None:
    with embedded() as aws:
        other = {"Source": "someone", "DetailType": "d", "Detail": "{}", "EventBusName": aws.bus}
        aws.clients.events().put_events(Entries=[other])
        bus = EventBus(aws.clients.events, aws.bus, backoff)
        drive(bus.publish([Entry("Step Updated", f'{{"n": {number}}}', 1.0) for number in range(12)], missed=print))
        assert sorted(event["detail"]["n"] for event in aws.bus_events()) == list(range(12))
        assert len(aws.bus_events()) == 12, "reading the events does not remove them"


def test_a_client_is_built_once_and_only_when_asked() -> None:
    clients = Clients(region="eu-central-1")
    assert clients.dynamodb() is clients.dynamodb()
    assert list(clients._made) == ["dynamodb"]


def test_threads_that_ask_for_a_client_at_the_same_time_get_the_same_one() -> None:
    clients = Clients(region="eu-central-1")
    together = threading.Barrier(4, timeout=10)

    def ask() -> int:
        together.wait()
        return id(clients.events())

    assert len(set(at_once([ask] * 4))) == 1


def test_a_client_sends_its_user_agent() -> None:
    client: Any = Clients(region="eu-central-1").events()
    assert client.meta.config.user_agent.startswith("conduit Botocore/")


class Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their arguments: ``!Ref Table`` as ``"Table"``."""


Template.add_multi_constructor("!", lambda loader, _, node: getattr(loader, f"construct_{node.id}")(node))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(Path("template.yaml").read_text(), Template)  # noqa: S506 (a safe loader)
    return document


def test_the_embedded_table_is_the_templates(template: dict[str, Any]) -> None:
    table = template["Resources"]["Table"]["Properties"]
    assert {name: table[name] for name in TABLE} == TABLE
    assert table["TimeToLiveSpecification"] == {"AttributeName": TTL_ATTRIBUTE, "Enabled": True}


def test_the_embedded_queues_are_the_templates(template: dict[str, Any]) -> None:
    queue = template["Resources"]["Queue"]["Properties"]
    dead = template["Resources"]["DeadLetterQueue"]["Properties"]
    worker_timeout = str(template["Parameters"]["WorkerTimeout"]["Default"])
    visibility = template["Mappings"]["Visibility"][worker_timeout]["Seconds"]
    assert queue["VisibilityTimeout"] == ["Visibility", "WorkerTimeout", "Seconds"]
    assert dict(QUEUE) == {
        "VisibilityTimeout": visibility,
        "MessageRetentionPeriod": queue["MessageRetentionPeriod"],
    }
    _, _, standard = queue["RedrivePolicy"]["maxReceiveCount"]
    assert standard == MAX_RECEIVES
    assert dict(DEAD_LETTER_QUEUE) == {"MessageRetentionPeriod": dead["MessageRetentionPeriod"]}
