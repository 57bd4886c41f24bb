"""Behaviour of AWS that no emulator has: unprocessed items, lost connections, error codes, and refused requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from infra.errors import GiveUpError, InfraError, MisconfiguredError, TooLargeError, TryLaterError
from infra.table.attributes import weight
from infra.table.conditions import Absent, All, AnyOf, Below, Equals, OneOf
from infra.table.dynamo_items import DynamoItems
from infra.table.item_batches import BATCH_BYTES, batches
from infra.table.items import DUE, Put, Update
from tests.infra.scripted import JOB, Client, items_of, refusal, steps

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from infra.aws.backoff import Backoff
    from tests.infra.conftest import Drive


LEFT = {"PutRequest": {"Item": {"pk": {"S": "t#1"}, "sk": {"S": "STEP#00001"}}}}


def test_items_that_were_left_unprocessed_are_sent_again_and_no_others(
    drive: Drive, backoff: Backoff, waits: list[float]
) -> None:
    left = {"table": [LEFT]}
    client = Client({"UnprocessedItems": left}, {"UnprocessedItems": {}})
    drive(items_of(client, backoff).put_all(steps(3)))
    assert [len(request["RequestItems"]["table"]) for _, request in client.requests] == [3, 1]
    assert client.requests[1][1]["RequestItems"] == left
    assert len(waits) == 1


def test_items_that_stay_unprocessed_are_reported_after_bounded_tries(
    drive: Drive, backoff: Backoff, waits: list[float]
) -> None:
    left: dict[str, Any] = {"UnprocessedItems": {"table": [LEFT]}}
    client = Client(*[left] * 10)
    with pytest.raises(TryLaterError, match="1 of 3 items unwritten in 4 tries"):
        drive(items_of(client, backoff).put_all(steps(3)))
    assert len(client.requests) == 4
    assert waits == [0.025, 0.05, 0.1], "full jitter with a bound that doubles"


def test_keys_that_were_left_unread_are_asked_for_again(drive: Drive, backoff: Backoff, waits: list[float]) -> None:
    left = {"table": {"Keys": [{"pk": {"S": "t#1"}, "sk": {"S": "b"}}], "ConsistentRead": True}}
    first = {"pk": {"S": "t#1"}, "sk": {"S": "a"}}
    client = Client(
        {"Responses": {"table": [first]}, "UnprocessedKeys": left},  # cut off at 16 MB
        {"Responses": {}, "UnprocessedKeys": left},  # throttled
        {"Responses": {"table": [first | {"sk": {"S": "b"}}]}},
    )
    found = drive(items_of(client, backoff).get_all([("t#1", "b"), ("t#1", "a")]))
    assert [item["sk"] for item in found] == ["a", "b"]
    assert [len(request["RequestItems"]["table"]["Keys"]) for _, request in client.requests] == [2, 1, 1]
    assert len(waits) == 1
    client = Client(*[{"Responses": {}, "UnprocessedKeys": left}] * 10)
    with pytest.raises(TryLaterError, match="unread in 4 tries"):
        drive(items_of(client, backoff).get_all([("t#1", "b")]))


def test_a_batch_has_25_items_and_a_lone_item_goes_by_itself(drive: Drive, backoff: Backoff) -> None:
    client = Client()
    drive(items_of(client, backoff).put_all(steps(26)))
    drive(items_of(client, backoff).put_all(steps(1)))
    drive(items_of(client, backoff).put_all([]))
    assert [name for name, _ in client.requests] == ["batch_write_item", "batch_write_item", "put_item"]
    assert [len(request["RequestItems"]["table"]) for _, request in client.requests[:2]] == [25, 1]


def test_a_batch_stays_under_16_megabytes_as_it_is_sent() -> None:
    """Control characters take six bytes in JSON: 25 items of 390 KB each would be 58 MB."""
    encoded = [{"pk": {"S": str(number)}, "text": {"S": "\x01" * 390_000}} for number in range(25)]
    sizes = [len(batch) for batch in batches([(item, weight(item)) for item in encoded])]
    assert sum(sizes) == 25
    assert max(sizes) * 390_000 * 6 < BATCH_BYTES
    assert max(sizes) >= 6, "as few calls as the limit allows"


def test_every_placeholder_of_a_request_is_used(drive: Drive, backoff: Backoff) -> None:
    """AWS refuses a request that defines an unused name or value; moto accepts it."""
    client = Client(*[{"Items": [], "Attributes": {}}] * 9)
    items = items_of(client, backoff)
    condition = All(Equals("a", 1), AnyOf(Absent("b"), Below("c", 2)), OneOf("a", (1, 2)), All())
    drive(items.put_if(JOB, condition))
    drive(items.put_if(JOB, All()))
    drive(items.update_if("t#1", "JOB", condition=condition, set={"a": 2, "d": None}, remove=["e"]))
    drive(items.update_if("t#1", "JOB", condition=All(), set={"lease": None}))
    drive(items.query("t#1", "STEP#", "STEP#~"))
    drive(items.query("t#1", "!", "~"))
    drive(items.query_index(DUE, "0", limit=1, at_most=3))
    drive(items.put_all_with(steps(1), Put(JOB, condition)))
    drive(items.put_all_with(steps(1), Update(pk="t#1", sk="JOB", condition=condition, set={"a": 2}, remove=["e"])))
    transactions = [request["TransactItems"] for name, request in client.requests if name == "transact_write_items"]
    actions = [action for transaction in transactions for part in transaction for action in part.values()]
    assert len(actions) == 4
    for request in [*(request for _, request in client.requests), *actions]:
        text = " ".join(value for key, value in request.items() if key.endswith("Expression"))
        used = set(re.findall(r"[#:]\d+", text))
        defined = [*request.get("ExpressionAttributeNames", {}), *request.get("ExpressionAttributeValues", {})]
        assert sorted(defined) == sorted(used)
        assert all(request.get(key) != {} for key in request), "AWS refuses empty mappings"


def test_reads_are_strongly_consistent(drive: Drive, backoff: Backoff) -> None:
    client = Client({}, {"Items": []})
    drive(items_of(client, backoff).get("t#1", "JOB"))
    drive(items_of(client, backoff).query("t#1", "STEP#", "STEP#~"))
    assert all(request["ConsistentRead"] is True for _, request in client.requests)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refusal("ProvisionedThroughputExceededException"), TryLaterError),
        (refusal("ThrottlingException"), TryLaterError),
        (refusal("InternalServerError", 500), TryLaterError),
        (refusal("SomethingNew", 503), TryLaterError),
        (refusal("SomethingNew", 429), TryLaterError),
        (EndpointConnectionError(endpoint_url="https://x"), TryLaterError),
        (ReadTimeoutError(endpoint_url="https://x"), TryLaterError),
        (ConnectionResetError("gone"), TryLaterError),
        (refusal("AccessDeniedException"), MisconfiguredError),
        (refusal("ResourceNotFoundException"), MisconfiguredError),
        (refusal("UnrecognizedClientException"), MisconfiguredError),
        (NoCredentialsError(), MisconfiguredError),
        (refusal("ValidationException", message="Item size to update has exceeded the maximum"), TooLargeError),
        (refusal("ValidationException", message="Nesting Levels have exceeded supported limits"), TooLargeError),
        (refusal("ValidationException", message="Aggregated size of all range keys has exceeded the"), TooLargeError),
        (refusal("ValidationException", message="Size of hashkey has exceeded the maximum size"), TooLargeError),
        (refusal("SomethingNew", message="Rate exceeded"), GiveUpError),
        (refusal("ItemCollectionSizeLimitExceededException"), TooLargeError),
        (refusal("ValidationException"), GiveUpError),
        (refusal("SomethingNew"), GiveUpError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value)[:60],
)
def test_an_error_of_aws_says_what_to_do_next(
    drive: Drive, backoff: Backoff, error: Exception, kind: type[InfraError]
) -> None:
    items = items_of(Client(*[error] * 6), backoff)
    calls: list[Coroutine[Any, Any, object]] = [
        items.get("t#1", "JOB"),
        items.put_all([JOB]),
        items.put_if(JOB, Absent("pk")),
        items.update_if("t#1", "JOB", condition=All(), set={"n": 4}),
        items.put_all_with([], Put(JOB, Absent("pk"))),
        items.query("t#1", "!", "~"),
    ]
    for call in calls:
        with pytest.raises(InfraError, match="table") as caught:
            drive(call)
        assert type(caught.value) is kind
        assert caught.value.__cause__ is error


def test_the_client_is_not_built_before_it_is_asked(backoff: Backoff) -> None:
    def build() -> Client:
        raise AssertionError("built at once")

    DynamoItems(build, "table", backoff)
