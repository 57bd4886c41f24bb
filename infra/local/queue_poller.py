"""Acts as Lambda's poller of a queue, on a developer's machine and in the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

RECEIVE_MOST: Final = 10
"""The most messages of one call; SQS returns no more."""


def receive_messages(sqs: Any, url: str, most: int) -> list[dict[str, Any]]:
    """Receive messages with all their attributes."""
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
        url: the queue's URL.
        arn: the queue's ARN.
        region: the queue's region.
    """

    def __init__(self, sqs: Any, *, url: str, arn: str, region: str) -> None:
        self._sqs = sqs
        self._url = url
        self._arn = arn
        self._region = region

    def receive(self, most: int = RECEIVE_MOST) -> dict[str, Any]:
        """Receive messages as the event of an invocation; ``Records`` is empty if the queue is."""
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
        """Make a received message visible again at once, instead of after its visibility timeout as on AWS."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=0)
