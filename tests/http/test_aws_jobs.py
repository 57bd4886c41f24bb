"""AWS.CALL: allowed calls run with a separate role, and their results are JSON."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from handler.app import lambda_handler
from infra.aside import Aside
from infra.local import ACCOUNT, EmbeddedAws
from infra.outside.aws_call import AwsCalls
from infra.outside.errors import HttpError, HttpFailedError, HttpInvalidError, HttpRefusedError, HttpTooLargeError

ALLOWED = (
    "sns:Publish, sqs:SendMessage sqs:ReceiveMessage sqs:SendMessageBatch s3:GetObject s3:PutObject s3:ListBuckets "
    "dynamodb:PutItem dynamodb:GetItem dynamodb:BatchWriteItem lambda:Invoke ses:SendEmail events:PutEvents"
)


@pytest.fixture
def run(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:  # noqa: ARG001  # set up
    """Runs a call as a job of a tenant with the tag `aws`; returns its step."""

    def call(service: str, operation: str, parameters: Any = None, allowed: str = ALLOWED, **more: Any) -> Any:
        monkeypatch.setenv("AWS_CALLS", allowed)
        given = {"service": service, "operation": operation, "parameters": parameters}
        step = {"action": "AWS.CALL", "parameters": given, **more}
        claims = {"sub": "me", "scope": "aws"}
        event = {
            "version": "2.0",
            "rawPath": "/jobs",
            "body": json.dumps({"steps": [step]}),
            "requestContext": {"http": {"method": "POST"}, "authorizer": {"jwt": {"claims": claims}}},
        }
        return json.loads(lambda_handler(event, None)["body"])["steps"][0]

    return call


def done(step: Any) -> Any:
    assert step["status"]["name"] == "DONE", step
    return step["result"]


def refused(step: Any) -> Any:
    assert step["status"]["name"] == "CALL_REFUSED", step
    return step["error"]


def test_sns_and_sqs_take_messages(aws: EmbeddedAws, run: Any) -> None:
    topic = aws.clients.client("sns").create_topic(Name="orders")["TopicArn"]  # type: ignore[attr-defined]
    assert set(done(run("sns", "Publish", {"TopicArn": topic, "Message": "Hello"}))) == {"MessageId"}
    queue = aws.clients.client("sqs").create_queue(QueueName="theirs")["QueueUrl"]  # type: ignore[attr-defined]
    done(run("sqs", "SendMessage", {"QueueUrl": queue, "MessageBody": "Hello"}))
    received = done(run("sqs", "ReceiveMessage", {"QueueUrl": queue}))
    assert received["Messages"][0]["Body"] == "Hello"


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ("text", "text"),
        ({"a": [1, "ä"]}, {"a": [1, "ä"]}),
        ([1], [1]),
        ({"base64": "/wA="}, {"base64": "/wA="}),
        ('{"n": NaN}', '{"n": NaN}'),
        ("12", 12),
    ],
)
def test_s3_keeps_bytes_in_each_of_their_forms(aws: EmbeddedAws, run: Any, body: Any, read: Any) -> None:
    bucket = "theirs-" + str(abs(hash(str(body))))
    place = {"LocationConstraint": "eu-central-1"}
    aws.clients.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)  # type: ignore[attr-defined]
    done(run("s3", "PutObject", {"Bucket": bucket, "Key": "k", "Body": body}))
    result = done(run("s3", "GetObject", {"Bucket": bucket, "Key": "k"}))
    assert result["Body"] == read
    assert "ResponseMetadata" not in result
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", result["LastModified"])
    assert "T" in result["LastModified"]


def test_an_object_that_is_larger_than_a_result_may_be_is_a_failure(aws: EmbeddedAws, run: Any) -> None:
    bucket = "theirs-large"
    place = {"LocationConstraint": "eu-central-1"}
    aws.clients.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)  # type: ignore[attr-defined]
    run("s3", "PutObject", {"Bucket": bucket, "Key": "large", "Body": "x" * 200_000})
    run("s3", "PutObject", {"Bucket": bucket, "Key": "larger", "Body": "x" * 204_801})
    done(run("s3", "GetObject", {"Bucket": bucket, "Key": "large"}))
    larger = run("s3", "GetObject", {"Bucket": bucket, "Key": "larger"})
    assert larger["status"]["name"] == "RESULT_LIMIT_EXCEED"


def test_dynamodb_takes_items_with_bytes(aws: EmbeddedAws, run: Any) -> None:
    key = {"AttributeName": "k", "AttributeType": "S"}
    aws.clients.client("dynamodb").create_table(  # type: ignore[attr-defined]
        TableName="theirs",
        AttributeDefinitions=[key],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"k": {"S": "1"}, "b": {"B": {"base64": "/wA="}}, "m": {"M": {"n": {"N": "1"}, "t": {"B": "text"}}}}
    done(run("dynamodb", "PutItem", {"TableName": "theirs", "Item": item}))
    got = done(run("dynamodb", "GetItem", {"TableName": "theirs", "Key": {"k": {"S": "1"}}}))
    assert got == {"Item": item}


def test_ses_refuses_a_sender_that_is_not_verified_and_then_sends(aws: EmbeddedAws, run: Any) -> None:
    mail = {
        "Source": "me@example.com",
        "Destination": {"ToAddresses": ["you@example.com"]},
        "Message": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hello"}}},
    }
    error = refused(run("ses", "SendEmail", mail))
    assert error["details"]["code"] == "MessageRejected"
    aws.clients.client("ses").verify_email_identity(EmailAddress="me@example.com")  # type: ignore[attr-defined]
    assert "MessageId" in done(run("ses", "SendEmail", mail))


def test_lambda_is_invoked(aws: EmbeddedAws, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.awslambda.models import LambdaFunction  # noqa: PLC0415

    iam: Any = aws.clients.client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("m.py", "")
    aws.clients.client("lambda").create_function(  # type: ignore[attr-defined]
        FunctionName="theirs", Runtime="python3.13", Role=role, Handler="m.f", Code={"ZipFile": bundle.getvalue()}
    )
    fails = False
    monkeypatch.setattr(LambdaFunction, "_invoke_lambda", lambda _, event: (json.dumps(event), fails, ""))
    invoke = {"FunctionName": "theirs", "Payload": {"n": 1}}
    assert done(run("lambda", "Invoke", invoke))["Payload"] == {"n": 1}
    fails = True
    error = refused(run("lambda", "Invoke", invoke))
    assert "FunctionError" in error["message"]


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("sns", "CreateTopic", {"Name": "x"}),
        ("SNS", "Publish", {}),
        ("sns", "publish", {}),
        ("iam", "CreateUser", {"UserName": "x"}),
    ],
)
def test_an_action_that_is_not_on_the_list_is_refused_and_nothing_is_sent(
    run: Any, monkeypatch: pytest.MonkeyPatch, service: str, operation: str, parameters: Any
) -> None:
    monkeypatch.setattr(AwsCalls, "_ask", lambda *_: pytest.fail("it was called"))
    assert "does not allow" in refused(run(service, operation, parameters))["message"]
    assert "does not allow" in refused(run("sns", "Publish", {}, allowed=""))["message"]


def test_a_deployment_without_a_role_calls_nothing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CALL_ROLE", "")
    monkeypatch.setattr(AwsCalls, "_ask", lambda *_: pytest.fail("it was called"))
    assert "no role" in refused(run("s3", "ListBuckets"))["message"]


def test_the_stacks_own_resources_are_refused(aws: EmbeddedAws, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AwsCalls, "_ask", lambda *_: pytest.fail("it was called"))
    arn = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/{aws.table}"
    for service, operation, parameters in (
        ("dynamodb", "GetItem", {"TableName": aws.table, "Key": {}}),
        ("dynamodb", "GetItem", {"TableName": arn, "Key": {}}),
        ("dynamodb", "BatchWriteItem", {"RequestItems": {aws.table: []}}),
        ("sqs", "SendMessage", {"QueueUrl": aws.queue_url, "MessageBody": "x"}),
        ("sqs", "SendMessage", {"QueueUrl": aws.dead_letter_queue_url, "MessageBody": "x"}),
        ("events", "PutEvents", {"Entries": [{"EventBusName": aws.bus}]}),
    ):
        assert "own" in refused(run(service, operation, parameters))["message"]


def test_a_caller_needs_the_tag(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  # set up
    monkeypatch.setenv("AWS_CALLS", ALLOWED)
    event = {
        "version": "2.0",
        "rawPath": "/jobs",
        "body": json.dumps(
            {"steps": [{"action": "AWS.CALL", "parameters": {"service": "s3", "operation": "ListBuckets"}}]}
        ),
        "requestContext": {"http": {"method": "POST"}, "authorizer": {"jwt": {"claims": {"sub": "me"}}}},
    }
    assert json.loads(lambda_handler(event, None)["body"])["steps"][0]["status"]["name"] != "DONE"


def test_aws_code_is_in_the_details_and_a_wrong_parameter_is_an_invalid_argument(run: Any) -> None:
    error = refused(run("s3", "GetObject", {"Bucket": "there-is-none", "Key": "k"}))
    assert (error["details"]["code"], error["details"]["status"]) == ("NoSuchBucket", 404)
    wrong = run("s3", "GetObject", {"Bucket": "there-is-none"})
    assert wrong["status"]["name"] == "INVALID_ARGUMENT"
    assert run("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": {"base64": "#"}})["status"]["name"] == (
        "INVALID_ARGUMENT"
    )


# ---------------------------------------------------------------------- without a job


@pytest.fixture
def calls(aws: EmbeddedAws) -> AwsCalls:  # noqa: ARG001  # set up
    allowed = ("sqs:SendMessageBatch", "sns:Publish", "s3:ListBuckets", "s3:SelectObjectContent", "nothing:Here")
    return AwsCalls(allowed, f"arn:aws:iam::{ACCOUNT}:role/calls", frozenset(), 2_000, time.time)


def answering(calls: AwsCalls, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Make the client of S3 return this answer, or raise it."""
    client = calls._client("s3", "s3")

    def make(*_: Any, **__: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    monkeypatch.setattr(client, "list_buckets", make, raising=False)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"FunctionError": "Unhandled"}, HttpRefusedError),
        ({"FailedEntryCount": 1}, HttpRefusedError),
        ({"UnprocessedItems": {"t": [1]}}, HttpRefusedError),
        ({"Failed": [{"Id": "1"}]}, HttpRefusedError),
        ({"FailedEntryCount": 0, "UnprocessedItems": {}, "Failed": [], "FunctionError": ""}, None),
        ({"x": "y" * 2_000}, HttpTooLargeError),
    ],
)
def test_a_failure_inside_an_answer_and_a_large_one_are_failures(
    calls: AwsCalls, monkeypatch: pytest.MonkeyPatch, answer: Any, error: type[HttpError] | None
) -> None:
    answering(calls, monkeypatch, answer)
    if error is None:
        assert calls.call("s3", "ListBuckets", {}, 5) == answer
    else:
        with pytest.raises(error):
            calls.call("s3", "ListBuckets", {}, 5)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ThrottlingException", 400, HttpFailedError),
        ("SlowDown", 503, HttpFailedError),
        ("InternalError", 500, HttpFailedError),
        ("Anything", 429, HttpFailedError),
        ("ValidationException", 400, HttpRefusedError),
        ("AccessDenied", 403, HttpRefusedError),
    ],
)
def test_throttling_and_failures_of_the_service_may_be_tried_again_others_not(
    calls: AwsCalls, monkeypatch: pytest.MonkeyPatch, code: str, status: int, error: type[HttpError]
) -> None:
    response: Any = {"Error": {"Code": code, "Message": "arn:aws:iam::1"}}
    response["ResponseMetadata"] = {"HTTPStatusCode": status}
    answering(calls, monkeypatch, ClientError(response, "ListBuckets"))
    with pytest.raises(error) as raised:
        calls.call("s3", "ListBuckets", {}, 5)
    assert raised.value.details == {"code": code, "status": status}
    assert ("arn:" in str(raised.value)) is (code != "AccessDenied")


@pytest.mark.parametrize(
    ("cause", "error", "code"),
    [
        (ReadTimeoutError(endpoint_url="https://s3"), HttpFailedError, "ReadTimeoutError"),
        (EndpointConnectionError(endpoint_url="https://s3"), HttpFailedError, "EndpointConnectionError"),
        (ConnectionResetError(), HttpFailedError, "ConnectionResetError"),
        (NoCredentialsError(), HttpRefusedError, "NoCredentialsError"),
    ],
)
def test_a_call_without_an_answer_names_its_cause_alone(
    calls: AwsCalls, monkeypatch: pytest.MonkeyPatch, cause: Exception, error: type[HttpError], code: str
) -> None:
    answering(calls, monkeypatch, cause)
    with pytest.raises(error) as raised:
        calls.call("s3", "ListBuckets", {}, 5)
    assert raised.value.details == {"code": code}
    assert "https://" not in str(raised.value)


def test_a_role_that_cannot_be_taken_on_is_named(calls: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal: Any = {"Error": {"Code": "AccessDenied", "Message": "arn:aws:iam::1"}}
    monkeypatch.setattr(calls, "_assume", lambda: (_ for _ in ()).throw(ClientError(refusal, "AssumeRole")))
    with pytest.raises(
        HttpRefusedError, match=r"assuming the role for calls of AWS was refused by AWS with AccessDenied$"
    ):
        calls.call("s3", "ListBuckets", {}, 5)


def test_a_mistake_of_ours_is_not_taken_for_an_answer_of_aws(calls: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(calls, monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        calls.call("s3", "ListBuckets", {}, 5)


def test_a_call_while_too_many_are_stuck_is_a_failed_call(calls: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_aside", Aside("aws", most=0))
    with pytest.raises(HttpFailedError, match="too many calls are stuck"):
        calls.call("s3", "ListBuckets", {}, 5)


def test_a_call_that_does_not_answer_in_time_is_a_failed_call(calls: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_ask", lambda *_: time.sleep(0.3))
    with pytest.raises(HttpFailedError, match="did not answer"):
        calls.call("s3", "ListBuckets", {}, 0.05)


def test_a_service_or_action_that_aws_does_not_have_is_refused(calls: AwsCalls) -> None:
    with pytest.raises(HttpRefusedError, match="SERVICES"):
        calls.call("nothing", "Here", {}, 5)
    with pytest.raises(HttpRefusedError, match="no such operation"):
        calls.call("s3", "SelectObjectContent", {}, 5)


def test_a_request_that_leads_away_from_aws_is_not_sent(calls: AwsCalls) -> None:
    from infra.outside.aws_call import _guard  # noqa: PLC0415

    class Sent:
        url = "https://evil.example/"

    guard = _guard(calls._client("sns", "sns"))
    with pytest.raises(HttpRefusedError):
        guard(Sent())
    Sent.url = "https://x.s3.eu-central-1.amazonaws.com/"
    guard(Sent())


def test_half_a_surrogate_pair_cannot_be_sent() -> None:
    from infra.outside.aws_values import _bytes  # noqa: PLC0415

    with pytest.raises(HttpInvalidError):
        _bytes("\ud800")
