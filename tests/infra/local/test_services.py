from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.aws.backoff import Backoff
from infra.local import EmbeddedAws, embedded
from infra.local.services import LocalServices
from infra.messaging.event_bus import Entry, EventBus
from infra.table.dynamo_items import DynamoItems

BACKOFF = Backoff(sleep=asyncio.sleep, random=random.random)


@contextmanager
def services() -> Iterator[tuple[EmbeddedAws, LocalServices]]:
    with embedded() as aws:
        yield aws, LocalServices(aws)


def put(aws: EmbeddedAws, pk: str, *sort_keys: str) -> None:
    items = DynamoItems(aws.clients.dynamodb, aws.table, BACKOFF)
    asyncio.run(items.put_all([{"pk": pk, "sk": sk, "text": "x" * 100} for sk in sort_keys]))


def publish(aws: EmbeddedAws, *kinds: str) -> None:
    entries = [Entry(detail_type=kind, detail=json.dumps({"kind": kind}), time=0.0) for kind in kinds]
    asyncio.run(EventBus(aws.clients.events, aws.bus, BACKOFF).publish(entries, missed=print))


def test_the_items_of_one_job_are_given_by_their_sort_key() -> None:
    with services() as (aws, local):
        put(aws, "t#a", "STEP#2", "JOB", "STEP#1")
        put(aws, "t#ab", "JOB")

        assert [item["sk"] for item in local.items("t", "a")] == ["JOB", "STEP#1", "STEP#2"]


def test_forgetting_a_job_leaves_nothing_of_it_and_all_of_the_others() -> None:
    with services() as (aws, local):
        put(aws, "t#a", *(f"STEP#{number:03}" for number in range(60)))
        put(aws, "t#b", "JOB")

        local.forget("t", "a")

        assert [item["pk"] for item in aws.table_items()] == ["t#b"]


def test_forgetting_a_job_leaves_no_items_that_moto_tracks() -> None:
    from moto.dynamodb.models.dynamo_type import Item  # noqa: PLC0415  # after `embedded` has loaded moto, as elsewhere

    with services() as (aws, local):
        put(aws, "t#a", "JOB", "STEP#1")

        local.forget("t", "a")

        assert Item.instances_tracked == []


def test_events_are_taken_once_and_those_of_one_call_in_their_order() -> None:
    with services() as (aws, local):
        local.follow_bus()
        publish(aws, *(f"kind {number}" for number in range(12)))

        seen = [event["detail"]["kind"] for event in local.take_events()]
        first = [f"kind {number}" for number in range(10)]
        assert [kind for kind in seen if kind in first] == first
        assert set(seen) - set(first) == {"kind 10", "kind 11"}
        assert len(seen) == 12
        assert local.take_events() == []


def test_following_the_bus_fills_no_queue() -> None:
    with services() as (aws, local):
        local.follow_bus()
        before = local._queues.list_queues()["QueueUrls"]
        publish(aws, "one", "two")

        assert local._queues.list_queues()["QueueUrls"] == before
        assert aws.bus_events() == []


@pytest.mark.parametrize("follow", [True, False])
def test_nothing_else_keeps_the_events_of_a_bus_that_is_followed_or_muted(follow: bool) -> None:
    with services() as (aws, local):
        if follow:
            local.follow_bus()
        else:
            local.mute_bus()
        publish(aws, "one")

        assert aws.bus_events() == []
        assert len(local.take_events()) == int(follow)


def test_a_job_that_is_sent_waits_in_the_queue_under_the_id_that_it_was_given() -> None:
    with services() as (aws, local):
        message_id = local.send("{}")

        [record] = aws.receive()["Records"]
        assert (record["messageId"], record["body"]) == (message_id, "{}")
