"""Errors of calls to outside services, grouped by what the caller does next.

    HttpError
    ├── HttpFailedError    the service was unreachable or asked for a retry: a retry may help
    ├── HttpRefusedError   it gave an unexpected answer, or the call is not allowed: a retry does not help
    ├── HttpTooLargeError  the answer is larger than may be kept
    └── HttpInvalidError   the call is not valid as written; also a ValueError

No message contains a secret: `infra.outside.http_client` masks them before an error leaves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class HttpError(Exception):
    """A call failed.

    Attributes:
        details: the service's answer: ``{"status": 503, "body": "…"}``; ``None`` without an answer.
        retry_after: seconds that the service asked to wait; ``None`` if it did not.
    """

    def __init__(
        self, message: str, details: Mapping[str, Any] | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.details = details
        self.retry_after = retry_after


class HttpFailedError(HttpError):
    """No complete answer in time (name resolution, connection, TLS), or an answer that asks for a retry."""


class HttpRefusedError(HttpError):
    """An unexpected answer, or a call that is not allowed."""


class HttpTooLargeError(HttpError):
    """The answer is over the limit. Reading stopped there."""


class HttpInvalidError(HttpError, ValueError):
    """A malformed URL, header, body or credential."""
