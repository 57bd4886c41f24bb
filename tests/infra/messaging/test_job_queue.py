"""The queue: the messages that it accepts, their delays, and the dead-letter queue for invalid ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from infra.errors import GiveUpError, MisconfiguredError, TooLargeError, TryLaterError
from infra.local import EmbeddedAws, embedded
from infra.messaging.job_queue import REJECTED_BYTES, JobQueue

if TYPE_CHECKING:
    from tests.infra.conftest import Drive


class Client:
    """A queue that records its requests, and fails as scripted."""

    def __init__(self, code: str | None = None) -> None:
        self.code = code
        self.requests: list[dict[str, Any]] = []

    def send_message(self, **request: Any) -> dict[str, Any]:
        return self._answer(request)

    def change_message_visibility(self, **request: Any) -> dict[str, Any]:
        return self._answer(request)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": "m"}}, "SendMessage")
        return {}


def queue_of(client: Client, *, fifo: bool = False, **options: int) -> JobQueue:
    ending = ".fifo" if fifo else ""
    return JobQueue(lambda: client, f"https://sqs/jobs{ending}", f"https://sqs/dead{ending}", **options)


def test_a_sent_message_is_received_as_lambda_would_hand_it_over(aws: EmbeddedAws, drive: Drive) -> None:
    drive(JobQueue(aws.clients.sqs, aws.queue_url, aws.dead_letter_queue_url).send('{"steps": []}'))
    (record,) = aws.receive()["Records"]
    assert record["body"] == '{"steps": []}'
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == aws.queue_arn
    assert aws.receive()["Records"] == [], "the message stays hidden"
    aws.release(record["receiptHandle"])
    (again,) = aws.receive()["Records"]
    assert again["attributes"]["ApproximateReceiveCount"] == "2"
    aws.delete(again["receiptHandle"])
    assert aws.receive()["Records"] == []


def test_a_delayed_message_is_not_there_yet(aws: EmbeddedAws, drive: Drive) -> None:
    drive(JobQueue(aws.clients.sqs, aws.queue_url, aws.dead_letter_queue_url).send("{}", delay=60))
    assert aws.receive()["Records"] == []


@pytest.mark.parametrize(("asked", "sent"), [(-1, 0), (0, 0), (0.2, 1), (899.5, 900), (900, 900), (5000, 900)])
def test_a_delay_is_whole_seconds_up_to_fifteen_minutes(drive: Drive, asked: float, sent: int) -> None:
    client = Client()
    drive(queue_of(client).send("{}", delay=asked))
    assert client.requests[0]["DelaySeconds"] == sent


@pytest.mark.parametrize(("asked", "sent"), [(-5, 0), (0, 0), (0.2, 1), (43_200, 43_200), (99_999, 43_200)])
def test_a_message_is_hidden_for_up_to_twelve_hours(drive: Drive, asked: float, sent: int) -> None:
    client = Client()
    drive(queue_of(client).postpone("receipt", asked))
    assert client.requests == [{"QueueUrl": "https://sqs/jobs", "ReceiptHandle": "receipt", "VisibilityTimeout": sent}]


@pytest.mark.parametrize("code", ["MessageNotInflight", "ReceiptHandleIsInvalid"])
def test_postponing_a_message_that_is_no_longer_ours_changes_nothing(drive: Drive, code: str) -> None:
    drive(queue_of(Client(code)).postpone("receipt", 5))


def test_a_postponed_message_comes_back(aws: EmbeddedAws, drive: Drive) -> None:
    queue = JobQueue(aws.clients.sqs, aws.queue_url, aws.dead_letter_queue_url)
    drive(queue.send("{}"))
    (record,) = aws.receive()["Records"]
    drive(queue.postpone(record["receiptHandle"], 0))
    assert len(aws.receive()["Records"]) == 1


@pytest.mark.parametrize(("extra", "fits"), [(-1, True), (0, True), (1, False)])
def test_a_message_has_at_most_so_many_bytes(drive: Drive, extra: int, fits: bool) -> None:
    client = Client()
    body = "ü" * 50 + "x" * extra if extra > 0 else "ü" * (50 + extra)
    if fits:
        drive(queue_of(client, message_bytes=100).send(body))
    else:
        with pytest.raises(TooLargeError, match="101 bytes"):
            drive(queue_of(client, message_bytes=100).send(body))
    assert len(client.requests) == fits


@pytest.mark.parametrize("body", ["", "\x00", "a\x0bb", "\ufffe", "\ud800"])
def test_a_message_that_sqs_does_not_take_is_refused_before_it_is_sent(drive: Drive, body: str) -> None:
    """The emulators accept all of these."""
    client = Client()
    with pytest.raises(GiveUpError):
        drive(queue_of(client).send(body))
    assert client.requests == []


def test_a_rejected_message_lies_in_the_dead_letter_queue_with_its_problem(aws: EmbeddedAws, drive: Drive) -> None:
    drive(
        JobQueue(aws.clients.sqs, aws.queue_url, aws.dead_letter_queue_url).reject("not json", "not JSON:\x00 line 1")
    )
    assert aws.dead_letters() == [{"body": "not json", "attributes": {"problem": "not JSON:\ufffd line 1"}}]
    assert len(aws.dead_letters()) == 1, "reading the message does not remove it"


@pytest.mark.parametrize("body", ["a\ud800b", "a\x00b"])
def test_a_rejected_message_that_sqs_cannot_have_delivered_is_kept_without_what_it_refuses(
    aws: EmbeddedAws, drive: Drive, body: str
) -> None:
    drive(JobQueue(aws.clients.sqs, aws.queue_url, aws.dead_letter_queue_url).reject(body, "not JSON"))
    assert [message["body"] for message in aws.dead_letters()] == ["a\ufffdb"]


def test_the_problem_of_a_large_rejected_message_takes_the_room_that_is_left(drive: Drive) -> None:
    client = Client()
    overhead = len("problem" + "String")
    for room, sent in ((3, "a\u00fc"), (2, "a"), (0, None)):
        drive(queue_of(client).reject("x" * (REJECTED_BYTES - overhead - room), "a\u00fcb"))
        attribute = client.requests[-1].get("MessageAttributes", {}).get("problem", {}).get("StringValue")
        assert attribute == sent
    drive(queue_of(client).reject("x", "p" * 5000))
    assert len(client.requests[-1]["MessageAttributes"]["problem"]["StringValue"]) == 1000


def test_the_messages_of_a_tenant_are_one_group_of_a_fair_standard_queue(drive: Drive) -> None:
    """moto and ministack ignore the group when they deliver, so only the request can be tested."""
    client = Client()
    drive(queue_of(client).send("{}", fair="of-acme"))
    assert client.requests[-1]["MessageGroupId"] == "of-acme"
    drive(queue_of(client, fifo=True).send("{}", group="job", deduplication="d", fair="of-acme"))
    assert client.requests[-1]["MessageGroupId"] == "job"


def test_a_fifo_queue_needs_a_group_and_a_deduplication_id(drive: Drive) -> None:
    client = Client()
    queue = queue_of(client, fifo=True)
    drive(queue.send("{}", delay=5, group="g", deduplication="d"))
    drive(queue.reject("{}", "p", group="g", deduplication="d"))
    assert all(
        (request["MessageGroupId"], request["MessageDeduplicationId"]) == ("g", "d") for request in client.requests
    )
    assert "DelaySeconds" not in client.requests[0], "SQS refuses a delay for a single message of a FIFO queue"
    with pytest.raises(GiveUpError, match="needs a group"):
        drive(queue.send("{}"))
    drive(queue_of(client).send("{}", group="g", deduplication="d"))
    assert "MessageGroupId" not in client.requests[-1]


def test_a_fifo_queue_drops_the_second_message_of_the_same_deduplication_id(drive: Drive) -> None:
    with embedded(fifo=True) as aws:
        queue = JobQueue(aws.clients.sqs, aws.queue_url, aws.dead_letter_queue_url)
        for body in ("1", "2"):
            drive(queue.send(body, group="g", deduplication="d"))
        assert [record["body"] for record in aws.receive()["Records"]] == ["1"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AWS.SimpleQueueService.NonExistentQueue", MisconfiguredError),
        ("AccessDenied", MisconfiguredError),
        ("RequestThrottled", TryLaterError),
        ("OverLimit", TryLaterError),
        ("InvalidMessageContents", GiveUpError),
    ],
)
def test_an_error_of_sqs_says_what_to_do_next(drive: Drive, code: str, kind: type[Exception]) -> None:
    queue = queue_of(Client(code))
    for call in (queue.send("{}"), queue.postpone("r", 1), queue.reject("{}", "p")):
        with pytest.raises(kind) as caught:
            drive(call)
        assert type(caught.value) is kind
