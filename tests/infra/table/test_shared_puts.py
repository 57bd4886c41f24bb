"""Writes that several jobs share: each job gets the outcome of its own part only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.errors import TryLaterError
from infra.table.shared_puts import SharedPuts
from tests.infra.scripted import Client, items_of, refusal
from tests.infra.together import Together, run

if TYPE_CHECKING:
    from infra.aws.backoff import Backoff


def items(job: str, count: int = 2) -> list[Any]:
    return [{"pk": f"t#{job}", "sk": f"STEPS#{number}"} for number in range(count)]


def left(*items: Any) -> dict[str, Any]:
    puts = [{"PutRequest": {"Item": {name: {"S": value} for name, value in item.items()}}} for item in items]
    return {"UnprocessedItems": {"table": puts}}


def put(client: Client, backoff: Backoff, *parts: list[Any]) -> list[Any]:
    puts = SharedPuts(items_of(client, backoff), Together(len(parts)))
    return run(*[puts.put_all(part) for part in parts])


def sizes(client: Client) -> list[int]:
    return [len(request["RequestItems"]["table"]) for name, request in client.requests if name == "batch_write_item"]


def test_records_of_several_jobs_go_in_one_call(backoff: Backoff) -> None:
    client = Client()
    assert put(client, backoff, items("a"), items("b"), items("c", 3)) == [None, None, None]
    assert sizes(client) == [7]


def test_records_that_stay_unwritten_are_a_failure_of_their_own_job(backoff: Backoff) -> None:
    client = Client(*[left(items("b")[1])] * 9)
    a, b, c = put(client, backoff, items("a"), items("b"), items("c"))
    assert (a, c) == (None, None)
    assert isinstance(b, TryLaterError)
    assert "1 of 2" in str(b)
    assert sizes(client)[:2] == [6, 1]


def test_more_than_25_records_are_several_calls_and_each_job_knows_of_its_own(backoff: Backoff) -> None:
    client = Client({}, *[left(items("b", 20)[19])] * 9)
    a, b = put(client, backoff, items("a", 20), items("b", 20))
    assert a is None
    assert isinstance(b, TryLaterError)
    assert sizes(client)[:3] == [25, 15, 1]


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ThrottlingException"])
def test_a_shared_call_that_fails_as_a_whole_is_made_for_each_job(code: str, backoff: Backoff) -> None:
    client = Client(refusal(code), {}, refusal(code), {})
    a, b, c = put(client, backoff, items("a"), items("b"), items("c"))
    assert (a, c) == (None, None)
    assert isinstance(b, Exception)
    assert sizes(client) == [6, 2, 2, 2]


def test_a_job_that_is_alone_is_not_asked_for_twice(backoff: Backoff) -> None:
    client = Client(refusal("ThrottlingException"), {})
    (a,) = put(client, backoff, items("a"))
    assert isinstance(a, TryLaterError)
    assert len(client.requests) == 1


def test_a_message_that_came_twice_puts_the_same_item_in_two_calls(backoff: Backoff) -> None:
    """DynamoDB refuses a call that names an item twice."""
    client = Client()
    assert put(client, backoff, items("a"), items("b"), items("a")) == [None, None, None]
    assert sizes(client) == [4, 2]
