"""Errors as HTTP replies: problem details (RFC 9457), from one table of all errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handler.errors import (
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidRequestError,
    NotFoundError,
    TooManyJobsError,
    TryAgainError,
)
from handler.http.reply import Reply
from handler.http.request import UnreadableRequestError
from handler.payload import json_text
from handler.payload.parse import InvalidJsonError, InvalidPayloadError, PayloadTooLargeError
from handler.payload.problem import Problem
from handler.workflows.hook_call import WrongSignatureError

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:conduit:problem:"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem: its type for programs, its HTTP status, and a title for people."""

    name: str
    status: int
    title: str


NOT_JSON: Final = ProblemKind("not-json", 400, "Malformed JSON")
UNIDENTIFIED: Final = ProblemKind("unidentified", 401, "Authentication required")
WRONG_SIGNATURE: Final = ProblemKind("wrong-signature", 401, "Wrong signature")
FORBIDDEN: Final = ProblemKind("forbidden", 403, "Forbidden")
NOT_FOUND: Final = ProblemKind("not-found", 404, "Not found")
WRONG_METHOD: Final = ProblemKind("wrong-method", 405, "Method not allowed")
CONFLICT: Final = ProblemKind("conflict", 409, "Conflict")
GONE: Final = ProblemKind("gone", 410, "Gone")
TOO_LARGE: Final = ProblemKind("too-large", 413, "Content too large")
WRONG_MEDIA_TYPE: Final = ProblemKind("wrong-media-type", 415, "Unsupported media type")
INVALID: Final = ProblemKind("invalid", 422, "Invalid request")
JOB_FAILED: Final = ProblemKind("job-failed", 422, "The job failed")
TOO_MANY_JOBS: Final = ProblemKind("too-many-jobs", 429, "Too many unfinished jobs")
FAULT: Final = ProblemKind("fault", 500, "Internal error")
UNAVAILABLE: Final = ProblemKind("unavailable", 503, "Service unavailable")

KINDS: Final = (
    NOT_JSON,
    UNIDENTIFIED,
    WRONG_SIGNATURE,
    FORBIDDEN,
    NOT_FOUND,
    WRONG_METHOD,
    CONFLICT,
    GONE,
    TOO_LARGE,
    WRONG_MEDIA_TYPE,
    INVALID,
    JOB_FAILED,
    TOO_MANY_JOBS,
    FAULT,
    UNAVAILABLE,
)


def problem_reply(
    kind: ProblemKind,
    detail: str,
    *,
    errors: Iterable[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """The reply that describes a problem."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + kind.name,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
    }
    listed = [problem.as_dict() for problem in errors]
    if listed:
        body["errors"] = listed
    return Reply(kind.status, json_text.encode(body), headers or {}, MEDIA_TYPE)


def reply_to(error: Exception) -> Reply | None:
    """The reply to an error that a request can cause, or ``None`` for an unexpected one."""
    match error:
        case UnreadableRequestError() | InvalidJsonError():
            return problem_reply(NOT_JSON, _words(error))
        case PayloadTooLargeError():
            return problem_reply(TOO_LARGE, _words(error))
        case InvalidPayloadError():
            return problem_reply(INVALID, "See errors for what is wrong, and where.", errors=error.problems)
        case InvalidRequestError():
            pointer = error.pointer if error.pointer[:1] in ("", "/") else f"/{error.pointer}"
            problem = Problem(pointer, "INVALID_FIELD", str(error))
            return problem_reply(INVALID, "See errors for what is wrong, and where.", errors=[problem])
        case WrongSignatureError():
            return problem_reply(WRONG_SIGNATURE, str(error))
        case NotFoundError():
            return problem_reply(NOT_FOUND, str(error))
        case ForbiddenError():
            return problem_reply(FORBIDDEN, str(error))
        case GoneError():
            return problem_reply(GONE, str(error))
        case ConflictError():
            return problem_reply(CONFLICT, str(error))
        case TryAgainError():
            kind = TOO_MANY_JOBS if isinstance(error, TooManyJobsError) else UNAVAILABLE
            return problem_reply(kind, str(error), headers={"Retry-After": str(error.retry_after)})
    return None


def _words(error: Exception) -> str:
    return error.problems[0].message if isinstance(error, InvalidPayloadError) else str(error)
