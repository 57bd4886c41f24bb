"""The queue of jobs, and the dead-letter queue for messages that can never succeed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from infra.aws.calls import IN_PLACE, Calls
from infra.aws.clients import QueueClient
from infra.errors import GiveUpError, TooLargeError, code_of, translate, translated

MESSAGE_BYTES: Final = 256 * 1024
"""The largest message in bytes, attributes included. SQS takes 1 MiB if a queue is configured for it."""
REJECTED_BYTES: Final = 1024 * 1024
"""The largest rejected message in bytes: the dead-letter queue accepts every message that SQS delivered."""
LONGEST_DELAY: Final = 900
"""The longest delay of a message in SQS, in seconds."""
LONGEST_VISIBILITY: Final = 43_200
"""The longest visibility timeout of SQS, in seconds: 12 hours."""
_PROBLEM_CHARACTERS: Final = 1000
_PROBLEM: Final = "problem"
_ILLEGAL: Final = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Characters that SQS rejects: it allows those of XML 1.0. Compiled at the first use, which takes 5 ms."""
_NOT_OURS: Final = frozenset(
    {"MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "ReceiptHandleIsInvalid"}
)


class JobQueue:
    """One queue, standard or FIFO by its name, and its dead-letter queue.

    Args:
        client: returns the client; called for each call, so that it is built at the first.
        url: the queue's address.
        dead_letter_url: the dead-letter queue's address.
        calls: makes the calls.
        message_bytes: the largest message, in bytes.
    """

    def __init__(
        self,
        client: Callable[[], QueueClient],
        url: str,
        dead_letter_url: str,
        calls: Calls = IN_PLACE,
        *,
        message_bytes: int = MESSAGE_BYTES,
    ) -> None:
        self._client = client
        self._url = url
        self._dead_letter_url = dead_letter_url
        self._make = calls.make
        self._message_bytes = message_bytes

    async def send(
        self,
        body: str,
        *,
        delay: float = 0,
        group: str | None = None,
        deduplication: str | None = None,
        fair: str | None = None,
    ) -> None:
        """Send a message.

        Args:
            body: the message's body.
            delay: seconds until it can be received, at most 900. FIFO queues do not support a delay per message.
            group: FIFO: messages of one group are delivered one after another.
            deduplication: FIFO: a second message with this id within five minutes is dropped.
            fair: standard: the sender's group. Messages of groups with few messages in the queue are received first
                (SQS fair queues).

        Raises:
            TooLargeError: the message is over the limit.
            GiveUpError: it is empty, or has characters that SQS rejects.
            TryLaterError, MisconfiguredError: see `infra.errors`.
        """
        size = len(body.encode(errors="surrogatepass"))
        if size > self._message_bytes:
            raise TooLargeError(f"The message has {size} bytes; the queue {self._url} takes {self._message_bytes}.")
        if not body or re.search(_ILLEGAL, body):
            raise GiveUpError(f"The queue {self._url} accepts a non-empty string without control characters.")
        request = self._fifo(self._url, group, deduplication)
        if not self._url.endswith(".fifo"):
            request["DelaySeconds"] = max(0, min(LONGEST_DELAY, math.ceil(delay)))
            if fair is not None:
                request["MessageGroupId"] = fair
        await self._send(self._url, body, request)

    async def postpone(self, receipt_handle: str, seconds: float) -> None:
        """Hide a received message for `seconds` (0 to 12 hours) from now.

        A message that was deleted or is visible again does not change.

        Raises:
            TryLaterError, MisconfiguredError: see `infra.errors`.
        """
        timeout = max(0, min(LONGEST_VISIBILITY, math.ceil(seconds)))
        try:
            await self._make(
                lambda: self._client().change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=timeout
                )
            )
        except Exception as error:
            if code_of(error) not in _NOT_OURS:
                raise translate(error, f"ChangeMessageVisibility on the queue {self._url}") from error

    async def reject(
        self, body: str, problem: str, *, group: str | None = None, deduplication: str | None = None
    ) -> None:
        """Send a message to the dead-letter queue, with the problem in its attribute ``problem``.

        The body is sent unchanged, but for characters that SQS never delivers: only a direct call can bring them.
        The problem is shortened to 1,000 characters, or to the space that the body leaves.

        Raises:
            TryLaterError, MisconfiguredError, TooLargeError: see `infra.errors`.
        """
        request = self._fifo(self._dead_letter_url, group, deduplication)
        body = re.sub(_ILLEGAL, "\ufffd", body)
        room = REJECTED_BYTES - len(body.encode()) - len(_PROBLEM + "String")
        text = (
            re.sub(_ILLEGAL, "\ufffd", problem)[:_PROBLEM_CHARACTERS].encode()[: max(0, room)].decode(errors="ignore")
        )
        if text:
            request["MessageAttributes"] = {_PROBLEM: {"DataType": "String", "StringValue": text}}
        await self._send(self._dead_letter_url, body, request)

    def _fifo(self, url: str, group: str | None, deduplication: str | None) -> dict[str, Any]:
        if not url.endswith(".fifo"):
            return {}
        if group is None or deduplication is None:
            raise GiveUpError(f"A message to the FIFO queue {url} needs a group and a deduplication id.")
        return {"MessageGroupId": group, "MessageDeduplicationId": deduplication}

    async def _send(self, url: str, body: str, request: dict[str, Any]) -> None:
        with translated(f"SendMessage to the queue {url}"):
            await self._make(lambda: self._client().send_message(QueueUrl=url, MessageBody=body, **request))
