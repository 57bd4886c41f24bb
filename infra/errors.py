"""Errors of AWS, grouped by what the caller does next, and the table that translates AWS's codes.

    InfraError
    ├── TryLaterError          the same call may succeed later: keep the message, answer 503
    │   └── NewerRecordError       a later release wrote the job: write nothing, keep the message for long
    └── GiveUpError            it cannot succeed until something is changed
        ├── MisconfiguredError     access denied, no such table, bus or queue: the deployment is wrong
        └── TooLargeError          AWS would refuse the size: the caller keeps less or sends less

A refused condition is not an error: conditional writes return it (see `infra.table.items`).
"""

from __future__ import annotations

from typing import Final


class InfraError(Exception):
    """A call of AWS failed."""


class TryLaterError(InfraError):
    """Throttled, down or unreachable: the request itself may be valid."""


class NewerRecordError(TryLaterError):
    """A later release wrote this job, in a format that this one does not know. The job is left alone."""


class GiveUpError(InfraError):
    """A retry does not help."""


class MisconfiguredError(GiveUpError):
    """Access is denied, or the table, bus or queue does not exist."""


class TooLargeError(GiveUpError):
    """More bytes than AWS accepts in one item, entry or message."""


ERRORS: Final[dict[type[InfraError], frozenset[str]]] = {
    TryLaterError: frozenset(
        {
            "ExpiredTokenException",  # the next call reads the credentials again
            "InternalError",
            "InternalException",
            "InternalFailure",
            "InternalServerError",
            "KmsThrottled",
            "LimitExceededException",
            "OverLimit",
            "ProvisionedThroughputExceeded",
            "ProvisionedThroughputExceededException",
            "ReplicatedWriteConflictException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "ServiceUnavailable",
            "Throttling",
            "ThrottlingError",
            "ThrottlingException",
            "TooManyRequestsException",
            "TransactionConflict",
            "TransactionConflictException",
            "TransactionInProgressException",
        }
    ),
    MisconfiguredError: frozenset(
        {
            "AWS.SimpleQueueService.NonExistentQueue",
            "AccessDenied",
            "AccessDeniedException",
            "IncompleteSignature",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "KMSAccessDeniedException",
            "KmsAccessDenied",
            "MissingAuthenticationToken",
            "NotAuthorized",
            "QueueDoesNotExist",
            "ResourceNotFoundException",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        }
    ),
    TooLargeError: frozenset(
        {
            "BatchRequestTooLong",
            "ItemCollectionSizeLimitExceeded",
            "ItemCollectionSizeLimitExceededException",
            "PayloadTooLargeError",
            "RequestEntityTooLarge",
        }
    ),
}
"""The kind of error for each of AWS's codes; other codes are classified by their HTTP status. The reasons of a
cancelled transaction have these codes without the last word."""

CANCELLED: Final = "TransactionCanceledException"
"""The transaction was not done; it has a reason for each of its actions."""

_SIZES: Final = ("must be shorter than", "xceeded", "too large", "larger than supported")
"""Phrases by which a message with a general code shows that a size, a depth or a number was too large."""
_UNSAID: Final = frozenset({"ValidationException", "ValidationError", "InvalidParameterValue"})
_SERVER_ERROR, _TOO_MANY = 500, 429


def code_of(error: BaseException) -> str:
    """AWS's code of a service's error; empty for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def translate(error: Exception, what: str) -> InfraError:
    """Translate botocore's exception into an `InfraError`.

    Args:
        error: the exception that a client raised.
        what: the call and its resource, for the message.
    """
    code = code_of(error)
    if code == CANCELLED:
        kind = _kind_of_reasons(error)
    else:
        kind = _kind_of_answer(error, code) if code else _kind_of_failure(error)
    return kind(f"{what} failed: {error}")


def _kind_of_answer(error: Exception, code: str) -> type[InfraError]:
    status = getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    otherwise = TryLaterError if status >= _SERVER_ERROR or status == _TOO_MANY else GiveUpError
    return _kind_of_code(code, str(error)) or otherwise


def _kind_of_code(code: str, message: str) -> type[InfraError] | None:
    for kind, codes in ERRORS.items():
        if code in codes:
            return kind
    return TooLargeError if code in _UNSAID and any(words in message for words in _SIZES) else None


def _kind_of_reasons(error: Exception) -> type[InfraError]:
    """The kind of a cancelled transaction's error. A reason worse than a conflict or throttling decides."""
    reasons = getattr(error, "response", {}).get("CancellationReasons") or []
    kinds = [
        _kind_of_code(reason["Code"], reason.get("Message") or "") or GiveUpError
        for reason in reasons
        if reason.get("Code", "None") != "None"
    ]
    return next((kind for kind in kinds if kind is not TryLaterError), TryLaterError)


def _kind_of_failure(error: Exception) -> type[InfraError]:
    """Kinds of errors without a response. Imported here, because a process without errors does not need them."""
    from botocore import exceptions  # noqa: PLC0415 (see above)

    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.NoRegionError)):
        return MisconfiguredError
    passing = (
        exceptions.HTTPClientError,
        exceptions.ConnectionError,
        exceptions.IncompleteReadError,
        exceptions.CredentialRetrievalError,
        OSError,
    )
    if isinstance(error, passing):
        return TryLaterError
    return GiveUpError


class translated:  # noqa: N801  # read as what it does: ``with translated("GetItem of the table jobs"):``
    """Translates every error of a client's call into an `InfraError`.

    Args:
        what: the call and its resource, for the message.
    """

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, InfraError):
            raise translate(error, self._what) from error
