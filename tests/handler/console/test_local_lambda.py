from __future__ import annotations

import sys
from typing import Any

import pytest

from handler.console.local.lambda_event import HttpRequest, Identity, LocalContext, http_event, schedule_event
from handler.console.local.local_lambda import LocalLambda


class Queue:
    """A queue with one batch."""

    def __init__(self, *ids: str) -> None:
        self.records = [{"messageId": name, "receiptHandle": f"receipt-{name}"} for name in ids]
        self.deleted: list[str] = []

    def receive(self, most: int = 10) -> dict[str, Any]:
        return {"Records": self.records[:most]}

    def delete(self, receipt_handle: str) -> None:
        self.deleted.append(receipt_handle)


def function(handler: Any, poller: Any = None, **options: Any) -> LocalLambda:
    return LocalLambda(handler=handler, poller=poller or Queue(), now=lambda: 100.0, epoch=lambda: 0.0, **options)


def event_of(request: HttpRequest, **identity: Any) -> dict[str, Any]:
    return http_event(request, Identity(**identity), request_id="r", at=1_700_000_000.5)


def test_a_request_arrives_in_the_payload_format_2_0_with_a_jwt_authorizer() -> None:
    request = HttpRequest(method="POST", target="/jobs?a=1&b=2&a=3&c=", headers={"Content-Type": "x"}, body="{}")

    event = event_of(request, subject="ada", tags=("staff", "billing"))

    assert event["version"] == "2.0"
    assert event["rawPath"] == "/jobs"
    assert event["rawQueryString"] == "a=1&b=2&a=3&c="
    assert event["queryStringParameters"] == {"a": "1,3", "b": "2", "c": ""}
    assert event["headers"] == {"content-type": "x"}
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["authorizer"]["jwt"]["claims"] == {"sub": "ada", "scope": "staff billing"}
    assert event["requestContext"]["timeEpoch"] == 1_700_000_000_500
    assert (event["body"], event["isBase64Encoded"]) == ("{}", False)


def test_a_request_without_query_and_body_has_neither_key() -> None:
    event = event_of(HttpRequest(method="GET", target="/jobs"))

    assert "queryStringParameters" not in event
    assert "body" not in event


def test_a_body_that_is_not_text_is_base64_as_the_gateway_sends_it() -> None:
    event = event_of(HttpRequest(method="POST", target="/", body=b"\xff"))

    assert (event["body"], event["isBase64Encoded"]) == ("/w==", True)


def test_the_schedule_sends_the_event_of_eventbridge() -> None:
    event = schedule_event(event_id="e", at=0.0)

    assert event["detail-type"] == "Scheduled Event"
    assert event["source"] == "aws.events"
    assert event["time"] == "1970-01-01T00:00:00Z"


def test_the_context_counts_down_and_stops_at_nothing() -> None:
    now = [10.0]
    context = LocalContext(aws_request_id="r", ends_at=12.5, now=lambda: now[0])

    assert context.get_remaining_time_in_millis() == 2500
    now[0] = 13.0
    assert context.get_remaining_time_in_millis() == 0


def test_an_answer_comes_back_as_the_gateway_would_send_it() -> None:
    answer = {
        "statusCode": 201,
        "headers": {"Location": "/jobs/a"},
        "multiValueHeaders": {"X": ["1", "2"]},
        "body": "{}",
    }

    response = function(lambda *_: answer).request(HttpRequest(method="GET", target="/"))

    assert (response.status, response.json()) == (201, {})
    assert response.headers == {"Location": "/jobs/a", "X": "1,2"}


def test_an_answer_in_base64_is_decoded() -> None:
    answer = {"statusCode": 200, "body": "/w==", "isBase64Encoded": True}

    assert function(lambda *_: answer).request(HttpRequest(method="GET", target="/")).body == b"\xff"


def test_messages_are_deleted_but_those_that_the_function_reports_back() -> None:
    queue = Queue("a", "b", "c")
    answer = {"batchItemFailures": [{"itemIdentifier": "b"}]}

    assert function(lambda *_: answer, queue).work() == 3
    assert queue.deleted == ["receipt-a", "receipt-c"]


def test_an_empty_queue_invokes_no_function() -> None:
    def handler(*_: Any) -> Any:
        raise AssertionError

    assert function(handler).work() == 0


def test_a_function_that_fails_leaves_its_messages_in_the_queue() -> None:
    queue = Queue("a")

    def handler(*_: Any) -> Any:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        function(handler, queue).work()
    assert queue.deleted == []


def test_each_kind_of_caller_gives_the_time_that_it_has() -> None:
    left: list[int] = []

    def handler(_: Any, context: Any) -> Any:
        left.append(context.get_remaining_time_in_millis())
        return {"statusCode": 200}

    called = function(handler, Queue("a"), http_seconds=29, worker_seconds=300)
    called.request(HttpRequest(method="GET", target="/"))
    called.work()
    called.sweep()

    assert left == [29_000, 300_000, 300_000]


def test_output_of_a_block_is_not_output_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    def handler(*_: Any) -> Any:
        print("noise")  # noqa: T201  # the output under test
        return {"statusCode": 200}

    function(handler).request(HttpRequest(method="GET", target="/"))
    sys.stdout.write("mine")

    assert capsys.readouterr() == ("mine", "noise\n")


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def fail(*_: Any) -> None:
    raise RuntimeError


@pytest.mark.parametrize("handler", [lambda *_: {"statusCode": 200}, fail])
def test_an_interrupt_is_raised_after_a_handler_that_swallowed_it_or_made_another_error_of_it(handler: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        function(handler, check=interrupt).sweep()


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/jobs/j/steps/a%20b", "/jobs/j/steps/a b"),
        ("/jobs/j/steps/x%2541", "/jobs/j/steps/x%41"),
        ("/jobs/j/steps/a%2Fb?c=%41", "/jobs/j/steps/a/b"),
    ],
)
def test_a_path_arrives_decoded_once_as_an_http_api_hands_it_on(target: str, path: str) -> None:
    """Otherwise a step id with a percent sign would be found locally but not in AWS, or the reverse."""
    event = event_of(HttpRequest(method="GET", target=target))
    assert (event["rawPath"], event["requestContext"]["http"]["path"]) == (path, path)
    assert event["rawQueryString"] == target.partition("?")[2]
