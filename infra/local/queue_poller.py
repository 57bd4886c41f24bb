"""A queue as Lambda's poller sees it, for a developer's machine and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

RECEIVE_MOST: Final = 10
"""Messages of one call; SQS gives no more."""


def receive_messages(sqs: Any, url: str, most: int) -> list[dict[str, Any]]:
    """Receive messages with everything that is known of them."""
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=most,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
        WaitTimeSeconds=0,
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


class QueuePoller:
    """Receives the events with which Lambda would call the worker.

    Args:
        sqs: a client of SQS.
        url: of the queue.
        arn: of the queue.
        region: of the queue.
    """

    def __init__(self, sqs: Any, *, url: str, arn: str, region: str) -> None:
        self._sqs = sqs
        self._url = url
        self._arn = arn
        self._region = region

    def receive(self, most: int = RECEIVE_MOST) -> dict[str, Any]:
        """Receive messages: the event of an invocation; ``Records`` is empty where the queue is."""
        return {"Records": [self._record(message) for message in receive_messages(self._sqs, self._url, most)]}

    def _record(self, message: Mapping[str, Any]) -> dict[str, Any]:
        attributes = message.get("MessageAttributes", {})
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": dict(message["Attributes"]),
            "messageAttributes": {
                name: {
                    "stringValue": value.get("StringValue"),
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": value["DataType"],
                }
                for name, value in attributes.items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": self._region,
        }

    def delete(self, receipt_handle: str) -> None:
        """Acknowledge a message, as the poller does when its invocation reported no failure."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=receipt_handle)

    def release(self, receipt_handle: str) -> None:
        """Make a received message visible again at once, where AWS would wait for its visibility timeout."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=0)
