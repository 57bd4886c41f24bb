"""The body of a request that redrives a job."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from handler.payload.body import check_fields, read_object
from handler.payload.parse import PayloadLimits
from handler.payload.problem import MAX_PATH


class RedriveShape(TypedDict):
    """The step from which to redrive a job, and new values. All fields are optional."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc] # pydantic's documented place
    from_step: NotRequired[Annotated[str, Field(min_length=1, max_length=MAX_PATH)] | None]
    parameters: NotRequired[dict[str, Any] | None]
    variables: NotRequired[dict[str, Any] | None]


_EXPECTED = {
    "from_step": "the path of a step",
    "parameters": "an object: the new parameters, all of them",
    "variables": "an object: the new variables, all of them",
}


@dataclass(frozen=True, slots=True)
class RedriveBody:
    """The request; ``None`` keeps the job's own value."""

    from_step: str | None = None
    parameters: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None


@cache
def redrive_validator() -> TypeAdapter[Any]:
    """The compiled check of the body."""
    return TypeAdapter(RedriveShape)


def read_redrive(body: bytes, limits: PayloadLimits) -> RedriveBody:
    """Parse the body of a redrive; an empty body means the defaults.

    Raises:
        InvalidJsonError: the body is not JSON in UTF-8.
        PayloadTooLargeError: the body has more bytes than a payload may have.
        InvalidPayloadError: the body is JSON, but not a valid request.
    """
    if not body:
        return RedriveBody()
    return RedriveBody(**check_fields(redrive_validator(), read_object(body, limits), _EXPECTED))
