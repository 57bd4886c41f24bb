"""What users may send to run a job on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from handler.payload import json_text
from handler.payload.parse import InvalidJsonError, InvalidPayloadError, PayloadLimits, PayloadTooLargeError
from handler.payload.problem import MAX_PATH, Problem, point, quote


class RedriveShape(TypedDict):
    """From where to run a job on, and with which values. All may be left out."""

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
    """What was asked for; ``None`` leaves a thing as it is."""

    from_step: str | None = None
    parameters: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None


@cache
def redrive_validator() -> TypeAdapter[Any]:
    """The compiled check of the body."""
    return TypeAdapter(RedriveShape)


def read_redrive(body: bytes, limits: PayloadLimits) -> RedriveBody:
    """Read the body of a request to run a job on; an empty one asks for nothing special.

    Raises:
        InvalidJsonError: it is not JSON in UTF-8.
        PayloadTooLargeError: it has more bytes than a payload may have.
        InvalidPayloadError: it is JSON, but not a valid request.
    """
    if not body:
        return RedriveBody()
    return RedriveBody(**read_fields(body, limits, redrive_validator(), _EXPECTED))


def read_fields(
    body: bytes, limits: PayloadLimits, validator: TypeAdapter[Any], expected: Mapping[str, str]
) -> dict[str, Any]:
    """The fields of a small body.

    Args:
        body: its bytes.
        limits: of what is sent.
        validator: of its shape.
        expected: what each field is, in words, by its name.

    Raises:
        InvalidJsonError: it is not JSON in UTF-8.
        PayloadTooLargeError: it has more bytes than a payload may have.
        InvalidPayloadError: it is JSON of another shape.
    """
    if len(body) > limits.size:
        message = f"A body may have at most {limits.size} bytes; this one has {len(body)}."
        raise PayloadTooLargeError([Problem("", "PAYLOAD_LIMIT_EXCEED", message)])
    try:
        asked: dict[str, Any] = validator.validate_python(json_text.read(body, nesting=limits.nesting))
    except json_text.InvalidJsonTextError as error:
        raise (InvalidJsonError if error.malformed else InvalidPayloadError)(error.problems) from None
    except ValidationError as error:
        raise InvalidPayloadError(
            [_explain(entry["loc"], entry["type"], expected) for entry in error.errors(include_url=False)]
        ) from None
    return asked


def _explain(loc: tuple[str | int, ...], kind: str, expected: Mapping[str, str]) -> Problem:
    if not loc:
        return Problem("", "INVALID_FIELD", "The body must be a JSON object.")
    name = str(loc[0])
    if name not in expected:
        message = f"There is no field {quote(name)}; there are {', '.join(expected)}."
        return Problem(point(loc[:1]), "UNKNOWN_FIELD", message)
    code = "MISSING_FIELD" if kind == "missing" else "INVALID_FIELD"
    return Problem(point(loc[:1]), code, f"{quote(name)} must be {expected[name]}.")
