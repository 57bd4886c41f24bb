"""Request bodies other than jobs: JSON objects with a few fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from handler.payload.parse import InvalidPayloadError, PayloadLimits, read_value
from handler.payload.problem import Problem, bounded, point, quote


def read_object(sent: bytes | str | Mapping[str, Any], limits: PayloadLimits) -> dict[str, Any]:
    """Parse a body, or take its parsed value, which must be a JSON object.

    Raises:
        InvalidJsonError: the body is not JSON in UTF-8.
        PayloadTooLargeError: the body has more bytes than a payload may have.
        InvalidPayloadError: the body is JSON, but not an object.
    """
    value, _ = read_value(sent, limits, "A body")
    if not isinstance(value, dict):
        raise InvalidPayloadError([Problem("", "INVALID_FIELD", "The body must be a JSON object.")])
    return value


def check_fields(shape: TypeAdapter[Any], value: Mapping[str, Any], expected: Mapping[str, str]) -> dict[str, Any]:
    """Check the fields of an object and return them.

    Args:
        shape: the object's shape.
        value: the object.
        expected: for each field the words that complete the sentence "``x`` is …".

    Raises:
        InvalidPayloadError: some fields are not valid; it has a problem for each.
    """
    try:
        checked: dict[str, Any] = shape.validate_python(dict(value))
    except ValidationError as error:
        entries = error.errors(include_url=False, include_context=False, include_input=False)
        found = {str(entry["loc"][0]): entry["type"] for entry in reversed(entries) if entry["loc"]}
        problems = [_explain(name, kind, expected) for name, kind in reversed(found.items())]
        raise InvalidPayloadError(bounded(problems)) from None
    return checked


def _explain(name: str, kind: str, expected: Mapping[str, str]) -> Problem:
    pointer = point([name])
    if name not in expected:
        return Problem(pointer, "UNKNOWN_FIELD", f"There is no field {quote(name)}; there are {', '.join(expected)}.")
    if kind == "missing":
        return Problem(pointer, "MISSING_FIELD", f"The field {quote(name)} is required: {expected[name]}.")
    return Problem(pointer, "INVALID_FIELD", f"{quote(name)} must be {expected[name]}.")
