"""Reads that several jobs share: each job gets the item that it asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.errors import TryLaterError
from infra.table.shared_reads import SharedReads
from tests.infra.scripted import Client, items_of, refusal
from tests.infra.together import Together, run

if TYPE_CHECKING:
    from infra.aws.backoff import Backoff


def read(client: Client, backoff: Backoff, *keys: tuple[str, str]) -> list[Any]:
    reads = SharedReads(items_of(client, backoff), Together(len(keys)))
    return run(*[reads.get(*key) for key in keys])


def found(*items: tuple[str, int], unread: Any = None) -> dict[str, Any]:
    rows = [{"pk": {"S": pk}, "sk": {"S": "JOB"}, "n": {"N": str(number)}} for pk, number in items]
    return {"Responses": {"table": rows}} | ({"UnprocessedKeys": unread} if unread else {})


JOB_OF_A, JOB_OF_B, JOB_OF_C = ("t#a", "JOB"), ("t#b", "JOB"), ("t#c", "JOB")


def test_each_job_gets_the_item_that_it_asked_for_in_any_order_of_the_answer(backoff: Backoff) -> None:
    client = Client(found(("t#c", 3), ("t#a", 1)))
    a, b, c = read(client, backoff, JOB_OF_A, JOB_OF_B, JOB_OF_C)
    assert (a["n"], b, c["n"]) == (1, None, 3)
    ((name, request),) = client.requests
    asked = request["RequestItems"]["table"]
    assert (name, asked["ConsistentRead"], len(asked["Keys"])) == ("batch_get_item", True, 3)


def test_a_message_that_came_twice_asks_for_its_item_once(backoff: Backoff) -> None:
    """DynamoDB refuses a call that names a key twice."""
    client = Client(found(("t#a", 1)))
    assert [one["n"] for one in read(client, backoff, JOB_OF_A, JOB_OF_A)] == [1, 1]
    assert len(client.requests[0][1]["RequestItems"]["table"]["Keys"]) == 1


def test_keys_that_were_left_unread_are_asked_for_again(backoff: Backoff) -> None:
    left = {"table": {"Keys": [{"pk": {"S": "t#b"}, "sk": {"S": "JOB"}}], "ConsistentRead": True}}
    client = Client(found(("t#a", 1), unread=left), found(("t#b", 2)))
    assert [one["n"] for one in read(client, backoff, JOB_OF_A, JOB_OF_B)] == [1, 2]


def test_a_shared_read_that_fails_as_a_whole_is_made_for_each_job(backoff: Backoff) -> None:
    client = Client(refusal("ThrottlingException"), {"Item": {"n": {"N": "1"}}}, refusal("ThrottlingException"), {})
    a, b, c = read(client, backoff, JOB_OF_A, JOB_OF_B, JOB_OF_C)
    assert (a, c) == ({"n": 1}, None)
    assert isinstance(b, TryLaterError)
    assert [name for name, _ in client.requests] == ["batch_get_item", *["get_item"] * 3]


def test_a_read_that_is_alone_is_an_ordinary_one_and_not_repeated(backoff: Backoff) -> None:
    client = Client({"Item": {"n": {"N": "1"}}}, refusal("ThrottlingException"))
    assert read(client, backoff, JOB_OF_A) == [{"n": 1}]
    (b,) = read(client, backoff, JOB_OF_B)
    assert isinstance(b, TryLaterError)
    assert [name for name, _ in client.requests] == ["get_item"] * 2
