"""The errors of the use cases, grouped by what the caller can do next.

    ConduitError
    ├── RefusedError             the same request will always fail
    │   ├── NotFoundError            the job or step does not exist or is another tenant's: both look the same
    │   ├── ConflictError            the job is not in the state that the request needs, or its id is taken
    │   ├── ForbiddenError           the caller lacks the rights
    │   ├── GoneError                the target existed and has ended
    │   └── InvalidRequestError      a field of the request has an invalid value
    └── TryAgainError            the same request may succeed later
        ├── TooManyJobsError         the tenant has reached its limit of unfinished jobs
        └── UnavailableError         a call of AWS failed

A bad payload raises `handler.payload.parse.InvalidPayloadError`; failures of AWS come from `infra.errors`.
"""

from __future__ import annotations


class ConduitError(Exception):
    """The request failed. The message is for its sender."""


class RefusedError(ConduitError):
    """The request cannot succeed as sent."""


class NotFoundError(RefusedError):
    """The job or step does not exist for this caller."""


class ConflictError(RefusedError):
    """The job is not in the state that the request needs."""


class ForbiddenError(RefusedError):
    """The caller may read this but not change it."""


class GoneError(RefusedError):
    """The target of the request existed and has ended."""


class InvalidRequestError(RefusedError):
    """One field of the request has an invalid value.

    Attributes:
        pointer: JSON pointer (RFC 6901) to the field of the body, or to a query parameter as if it were a field.
    """

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class TryAgainError(ConduitError):
    """The request may succeed later.

    Attributes:
        retry_after: how many seconds to wait.
    """

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyJobsError(TryAgainError):
    """The tenant has reached its limit of unfinished jobs."""


class UnavailableError(TryAgainError):
    """A service that this request needs is failing."""
