"""The body of a request that cancels or redrives many jobs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from handler.payload.body import check_fields, read_object
from handler.payload.parse import PayloadLimits

LIMIT: Final = 20
"""The default number of jobs of one request."""
MOST: Final = 100
"""The largest number of jobs of one request."""


class BulkShape(TypedDict):
    """The jobs to change: a body with the query parameters of a list."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc] # pydantic's documented place
    status: str
    name: NotRequired[str | None]
    workflow: NotRequired[str | None]
    waiting: NotRequired[str | None]
    created_after: NotRequired[str | None]
    created_before: NotRequired[str | None]
    limit: NotRequired[Annotated[int, Field(ge=1, le=MOST)] | None]
    cursor: NotRequired[str | None]


_EXPECTED: Final = {
    "status": "the status of the jobs",
    "name": "a string: the beginning of the jobs' names",
    "workflow": "the name of a stored workflow",
    "waiting": "the kind of wait of the jobs",
    "created_after": "a time like 2026-11-26T09:00:00Z",
    "created_before": "a time like 2026-11-26T09:00:00Z",
    "limit": f"a whole number from 1 to {MOST}",
    "cursor": "the `cursor` of the previous answer",
}


@dataclass(frozen=True, slots=True)
class BulkBody:
    """The request.

    Attributes:
        filters: by the names of a list's query parameters.
        limit: the largest number of jobs.
        cursor: where the previous request ended.
    """

    filters: dict[str, str | None]
    limit: int
    cursor: str | None


@cache
def bulk_validator() -> TypeAdapter[Any]:
    """The compiled check of the body."""
    return TypeAdapter(BulkShape)


def read_bulk(body: bytes, limits: PayloadLimits) -> BulkBody:
    """Parse the body of a bulk request.

    Raises:
        InvalidJsonError: the body is not JSON in UTF-8.
        PayloadTooLargeError: the body has more bytes than a payload may have.
        InvalidPayloadError: the body is JSON, but not a valid request.
    """
    asked = check_fields(bulk_validator(), read_object(body or b"{}", limits), _EXPECTED)
    limit, cursor = asked.pop("limit", None), asked.pop("cursor", None)
    return BulkBody(asked, LIMIT if limit is None else limit, cursor)
