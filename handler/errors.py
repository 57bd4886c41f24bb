"""Why a door cannot do what it was asked, ordered by what the caller does next.

    ConduitError
    ├── RefusedError             asking again changes nothing: ask for something else
    │   ├── NotFoundError            no such job or step, or another tenant's: the two look alike
    │   ├── ConflictError            the job is not in the state that the request needs, or its id is taken
    │   ├── ForbiddenError           the caller has not the rights that it takes
    │   ├── GoneError                what was asked for is over
    │   └── InvalidRequestError      a field of the request cannot be what it is
    └── TryAgainError            the same request may do later
        ├── TooManyJobsError         the tenant has as many unfinished jobs as it may have
        └── UnavailableError         AWS fails us

A bad payload raises `handler.payload.parse.InvalidPayloadError`; failures of AWS come from `infra.errors`.
"""

from __future__ import annotations


class ConduitError(Exception):
    """The request was not done. The message is for its sender."""


class RefusedError(ConduitError):
    """The request cannot work as sent."""


class NotFoundError(RefusedError):
    """The job or step does not exist, as far as this caller may know."""


class ConflictError(RefusedError):
    """The job is in another state than the request needs."""


class ForbiddenError(RefusedError):
    """The caller may see this, but not do it."""


class GoneError(RefusedError):
    """What the request is about was there, and is over."""


class InvalidRequestError(RefusedError):
    """One field of the request has a value that it cannot have.

    Attributes:
        pointer: JSON pointer (RFC 6901) to the field of the body, or to the query parameter as if it were one.
    """

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class TryAgainError(ConduitError):
    """The request may work later.

    Attributes:
        retry_after: seconds to wait first.
    """

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyJobsError(TryAgainError):
    """The tenant has as many unfinished jobs as it may have."""


class UnavailableError(TryAgainError):
    """A service that this request needs does not answer as it should."""
