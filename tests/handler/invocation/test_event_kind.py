"""Which events the function accepts: from known sources, well-formed, and through open doors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handler.app import UnknownEventError, lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, http_event, schedule_event
from handler.invocation.event_kind import kind_of
from handler.settings import Settings, SettingsError
from infra.local import EmbeddedAws, embedded

EVENTS = Path(__file__).parent.parent.parent / "events"
REQUEST = http_event(HttpRequest(method="GET", target="/blocks/NO"), Identity(), request_id="r", at=0.0)
RECORD = {
    "messageId": "m",
    "receiptHandle": "h",
    "body": "{}",
    "attributes": {"ApproximateReceiveCount": "1"},
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:q",
}
TIMER = schedule_event(event_id="e", at=0.0)
JOB = {"steps": []}
OLDER = {"requestContext": {}, "httpMethod": "GET", "path": "/blocks"}
"""A request as a REST API sends it."""
KINDS = {"http": REQUEST, "sqs": {"Records": [RECORD]}, "schedule": TIMER, "direct": JOB}


def changed(event: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {**event, **values}


def record(**values: Any) -> dict[str, Any]:
    return {"Records": [RECORD, {**RECORD, **values}]}


def context(**values: Any) -> dict[str, Any]:
    return changed(REQUEST, requestContext={**REQUEST["requestContext"], **values})


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_front_door_sends_requests(path: Path) -> None:
    assert kind_of(json.loads(path.read_text())) == "http"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_known_by_its_marks(kind: str) -> None:
    assert kind_of(KINDS[kind]) == kind


def test_a_request_whose_body_looks_like_a_batch_is_a_request() -> None:
    assert kind_of(changed(REQUEST, body=json.dumps({"Records": [RECORD]}))) == "http"


MALFORMED: dict[str, Any] = {
    "a number": 5,
    "a list": [REQUEST],
    "nothing": None,
    "empty": {},
    "a path that is a number": changed(REQUEST, rawPath=5),
    "a query that is a list": changed(REQUEST, rawQueryString=["a"]),
    "headers that are a list": changed(REQUEST, headers=["a"]),
    "a body that is an object": changed(REQUEST, body={"steps": []}),
    "a context that is a string": changed(REQUEST, requestContext="x"),
    "a context without a method": changed(REQUEST, requestContext={}),
    "a method that is a number": context(http={"method": 5}),
    "a stage that is a number": context(stage=5),
    "a context next to steps": {"requestContext": {}, **JOB},
    "an older path that is a list": {"requestContext": {}, "httpMethod": "GET", "path": ["/"]},
    "a path of the context that is a number": context(path=5),
    "a domain that is a list": context(domainName=["a"]),
    "an older header that is a string": {**OLDER, "multiValueHeaders": {"a": "b"}},
    "older headers that are a list": {**OLDER, "multiValueHeaders": [["a", "b"]]},
    "an older query that is a list": {**OLDER, "queryStringParameters": ["a"]},
    "an older query of lists that is a list": {**OLDER, "multiValueQueryStringParameters": ["a"]},
    "an older parameter that is a string": {**OLDER, "multiValueQueryStringParameters": {"a": "b"}},
    "records that are an object": {"Records": {"0": RECORD}},
    "records that are an empty object": {"Records": {}},
    "records that are a number": {"Records": 5},
    "records that are nothing": {"Records": None},
    "a record that is a string": {"Records": ["x"]},
    "a record without its id": {"Records": [{key: RECORD[key] for key in RECORD if key != "messageId"}]},
    "an id that is a number": record(messageId=5),
    "a body of a record that is an object": record(body={}),
    "a record without its handle": record(receiptHandle=None),
    "attributes that are a list": record(attributes=[]),
    "a count that is not a number": record(attributes={"ApproximateReceiveCount": "many"}),
    "a count that is negative": record(attributes={"ApproximateReceiveCount": "-1"}),
    "a count of other digits": record(attributes={"ApproximateReceiveCount": "²"}),
    "a count of ten digits": record(attributes={"ApproximateReceiveCount": "9" * 10}),
    "a queue that is a number": record(eventSourceARN=5),
    "a group that is a number": record(attributes={"MessageGroupId": 5}),
    "records of another source": record(eventSource="aws:kinesis"),
    "records next to steps": {"Records": [{"s3": {}}], **JOB},
    "a timer without a source": {"detail-type": "Scheduled Event", "detail": {}},
    "a timer of another source": changed(TIMER, source="acme"),
    "another event of the bus": {"source": "conduit", "detail-type": "Job Finished", "detail": {}},
}


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[EmbeddedAws]:
    with embedded() as started:
        yield started


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_event_is_unknown_and_nothing_in_it_is_trusted(name: str) -> None:
    with pytest.raises(UnknownEventError) as raised:
        lambda_handler(MALFORMED[name])
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("door", KINDS)
def test_a_function_takes_only_the_kinds_that_doors_names(
    monkeypatch: pytest.MonkeyPatch, kind: str, door: str
) -> None:
    monkeypatch.setenv("DOORS", door)
    if kind == door:
        lambda_handler(KINDS[kind])
    else:
        with pytest.raises(UnknownEventError, match="DOORS"):
            lambda_handler(KINDS[kind])


def test_a_worker_refuses_requests_even_from_principals_that_may_invoke_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a sender could become any tenant with a forged `requestContext`."""
    monkeypatch.setenv("DOORS", "sqs, schedule, direct")
    with pytest.raises(UnknownEventError):
        lambda_handler(REQUEST)


@pytest.mark.parametrize(("api", "taken"), [("local", True), ("other", False), (None, False), (["local"], False)])
def test_only_requests_of_the_apis_that_are_named_are_believed(
    monkeypatch: pytest.MonkeyPatch, api: Any, taken: bool
) -> None:
    event = context(apiId=api)
    monkeypatch.setenv("API_IDS", "local, another")
    if taken:
        assert lambda_handler(event)["statusCode"] == 404
    else:
        with pytest.raises(UnknownEventError, match="API_IDS"):
            lambda_handler(event)


@pytest.mark.parametrize(
    ("queues", "taken"),
    [(["ours"], True), (["ours", "dead"], True), (["theirs"], False), (["ours", "theirs"], False), ([None], False)],
)
def test_only_messages_of_the_queues_that_are_named_are_believed(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, queues: list[str | None], taken: bool
) -> None:
    """A batch with a message of another queue is refused as a whole: Lambda never mixes queues."""
    monkeypatch.setenv("QUEUE_ARNS", "ours, dead")
    before = len(aws.dead_letters())
    records: list[dict[str, Any]] = []
    for number, queue in enumerate(queues):
        unnamed = {key: value for key, value in RECORD.items() if key != "eventSourceARN"}
        named = {} if queue is None else {"eventSourceARN": queue}
        records.append({**unnamed, **named, "messageId": f"m{number}"})
    if taken:
        assert lambda_handler({"Records": records}) == {"batchItemFailures": []}
        assert len(aws.dead_letters()) == before + len(queues)
    else:
        with pytest.raises(UnknownEventError, match="QUEUE_ARNS"):
            lambda_handler({"Records": records})
        assert len(aws.dead_letters()) == before


def test_the_error_about_a_stranger_is_short_whatever_it_says_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_IDS", "local")
    monkeypatch.setenv("QUEUE_ARNS", "ours")
    many = {"Records": [{**RECORD, "eventSourceARN": f"{'q' * 10_000}{at}"} for at in range(100)]}
    for event in (context(apiId="a" * 100_000), context(apiId=["a"] * 100_000), many):
        with pytest.raises(UnknownEventError, match=r"API_IDS|QUEUE_ARNS") as raised:
            lambda_handler(event)
        assert len(str(raised.value)) < 1_000


def test_a_door_that_does_not_exist_is_a_mistake_of_the_deployment() -> None:
    required = {"TABLE_NAME": "t", "BUS_NAME": "b", "QUEUE_URL": "q", "DEAD_LETTER_QUEUE_URL": "d"}
    with pytest.raises(SettingsError, match="DOORS"):
        Settings.from_environment({**required, "DOORS": "http websocket"})
    assert Settings.from_environment(required).doors == ("http", "sqs", "schedule", "direct")
