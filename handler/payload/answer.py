"""Answers that users send to a step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from handler.payload import json_text
from handler.payload.body import check_fields, read_object
from handler.payload.parse import PayloadLimits, PayloadTooLargeError
from handler.payload.problem import Problem

MAX_VALUE: Final = 64 * 1024
"""Bytes of an answer's value, as JSON."""
MAX_REASON: Final = 1_000
"""Characters of a reason, which becomes part of a step's error."""


class AnswerShape(TypedDict):
    """An answer to a step that waits for one. All fields are optional."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc] # pydantic's documented place
    ok: NotRequired[bool | None]
    value: NotRequired[Any]
    reason: NotRequired[Annotated[str, Field(max_length=MAX_REASON)] | None]


_EXPECTED: Final = {
    "ok": "true for a yes, false for a no",
    "value": "any JSON value",
    "reason": f"a string of at most {MAX_REASON:,} characters",
}


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer.

    Attributes:
        ok: whether it approves.
        value: the value sent with it.
        reason: the reason, for people.
    """

    ok: bool = True
    value: Any = None
    reason: str | None = None


@cache
def answer_validator() -> TypeAdapter[Any]:
    """Return the compiled check of the body."""
    return TypeAdapter(AnswerShape)


def read_answer(body: bytes, limits: PayloadLimits) -> GivenAnswer:
    """Parse the body of an answer; an empty body approves without a value.

    Raises:
        InvalidJsonError: the body is not JSON in UTF-8.
        PayloadTooLargeError: the body or its value has too many bytes.
        InvalidPayloadError: the body is JSON, but not an answer.
    """
    if not body:
        return GivenAnswer()
    given = check_fields(answer_validator(), read_object(body, limits), _EXPECTED)
    value = given.get("value")
    size = len(json_text.encode(value).encode())
    if size > MAX_VALUE:
        message = f"The value of an answer may have {MAX_VALUE:,} bytes; this one has {size:,}."
        raise PayloadTooLargeError([Problem("/value", "PAYLOAD_LIMIT_EXCEED", message)])
    ok = given.get("ok")
    return GivenAnswer(ok=True if ok is None else ok, value=value, reason=given.get("reason"))
