"""Transactions of the real table: how they are sent, their conflicts, and their outcomes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.awsrequest import AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from infra.errors import GiveUpError, InfraError, TooLargeError, TryLaterError
from infra.table.conditions import Absent, All, Equals
from infra.table.dynamo_items import DynamoItems
from infra.table.items import Applied, ConditionFailed, Item, Update
from tests.infra.scripted import JOB, Client, cancelled, items_of, refusal, steps

if TYPE_CHECKING:
    from infra.aws.backoff import Backoff
    from infra.local import EmbeddedAws
    from tests.infra.conftest import Drive

WRITE = Update(pk="t#1", sk="JOB", condition=Equals("n", 3), set={"n": 4})


def test_the_conditional_write_of_a_transaction_comes_last_and_shows_the_item(drive: Drive, backoff: Backoff) -> None:
    client = Client(cancelled("None", "None", "ConditionalCheckFailed", item={"n": {"N": "5"}}))
    assert drive(items_of(client, backoff).put_all_with(steps(2), WRITE)) == ConditionFailed({"n": 5})
    ((name, request),) = client.requests
    assert name == "transact_write_items"
    assert [list(action) for action in request["TransactItems"]] == [["Put"], ["Put"], ["Update"]]
    assert all(action["TableName"] == "table" for part in request["TransactItems"] for action in part.values())
    last = request["TransactItems"][-1]["Update"]
    assert last["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    assert "ReturnValues" not in last, "actions of a transaction have no such parameter"


def test_a_failed_condition_counts_also_beside_a_conflict(drive: Drive, backoff: Backoff) -> None:
    client = Client(cancelled("TransactionConflict", "ConditionalCheckFailed"))
    assert drive(items_of(client, backoff).put_all_with(steps(1), WRITE)) == ConditionFailed(None)


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_something_is_in_the_way_of_is_tried_again(
    drive: Drive, backoff: Backoff, waits: list[float], code: str
) -> None:
    client = Client(cancelled("None", code), cancelled(code, "None"))
    assert drive(items_of(client, backoff).put_all_with(steps(1), WRITE)) is None
    assert (len(client.requests), len(waits)) == (3, 2)
    with pytest.raises(TryLaterError, match="transaction on the table"):
        drive(items_of(Client(*[cancelled("None", code)] * 4), backoff).put_all_with(steps(1), WRITE))


@pytest.mark.parametrize("write", ["put", "update"])
def test_a_write_that_meets_a_transaction_is_tried_again(
    drive: Drive, backoff: Backoff, waits: list[float], write: str
) -> None:
    """For example, a cancel while the owner commits."""

    def once(client: Client) -> Any:
        items = items_of(client, backoff)
        if write == "put":
            return drive(items.put_if(JOB, Absent("pk")))
        return drive(items.update_if("t#1", "JOB", condition=All(), set={"n": 3}))

    conflict = refusal("TransactionConflictException")
    answer = {"Attributes": {"pk": {"S": "t#1"}, "sk": {"S": "JOB"}, "n": {"N": "3"}}}
    assert once(Client(conflict, conflict, answer)) == Applied(JOB)
    assert len(waits) == 2
    with pytest.raises(TryLaterError):
        once(Client(*[conflict] * 4))


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (("TransactionConflict", "ItemCollectionSizeLimitExceeded"), TooLargeError),
        (("ValidationError", "None"), GiveUpError),
        (("ConditionalCheckFailed", "None"), GiveUpError),
        (("SomethingNew", "ThrottlingError"), GiveUpError),
    ],
)
def test_a_transaction_that_can_never_work_is_not_tried_again(
    drive: Drive, backoff: Backoff, waits: list[float], codes: tuple[str, ...], kind: type[InfraError]
) -> None:
    with pytest.raises(InfraError) as caught:
        drive(items_of(Client(cancelled(*codes)), backoff).put_all_with(steps(1), WRITE))
    assert type(caught.value) is kind
    assert waits == []


@pytest.mark.parametrize(
    ("some", "fits"),
    [
        (steps(99), True),
        (steps(100), False),
        ([{**step, "text": "x" * 100_000} for step in steps(41)], True),
        ([{**step, "text": "x" * 100_000} for step in steps(42)], False),
    ],
    ids=["99", "100", "4.1 MB", "4.2 MB"],
)
def test_a_transaction_takes_100_items_and_4_megabytes(
    drive: Drive, backoff: Backoff, some: list[Item], fits: bool
) -> None:
    client = Client()
    if fits:
        assert drive(items_of(client, backoff).put_all_with(some, WRITE)) is None
    else:
        with pytest.raises(TooLargeError, match="transaction"):
            drive(items_of(client, backoff).put_all_with(some, WRITE))
        assert client.requests == []


def test_a_retry_by_botocore_sends_the_same_token_and_our_own_another(
    drive: Drive, backoff: Backoff, aws: EmbeddedAws
) -> None:
    """DynamoDB can thus answer the repetition of a write with a lost reply as it answered the write."""
    client, sent = cast("Any", aws.clients.dynamodb()), list[str]()
    conflict = {"__type": "x#TransactionCanceledException", "CancellationReasons": [{"Code": "TransactionConflict"}]}
    answers = [(500, {"__type": "x#InternalServerError"}), (400, conflict), (200, {})]

    def reply(request: Any, **_: Any) -> AWSResponse:
        sent.append(json.loads(request.body)["ClientRequestToken"])
        status, body = answers.pop(0)
        return AWSResponse(request.url, status, {}, MockRawResponse(json.dumps(body).encode()))

    client.meta.events.register_first("before-send.dynamodb", reply)
    try:
        assert drive(DynamoItems(lambda: client, aws.table, backoff).put_all_with(steps(1), WRITE)) is None
    finally:
        client.meta.events.unregister("before-send.dynamodb", reply)
    assert sent[0] == sent[1] != sent[2]
