"""What users may send: the shape of a job, checked in one pass of compiled code.

A payload is judged here for its shape alone. Whether its steps can work (blocks, tags, arguments) is the question of
`handler.validation.validate` before a run and of the engine during one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from handler.payload import json_text, shape
from handler.payload.problem import Problem, bounded


@dataclass(frozen=True, slots=True)
class PayloadLimits:
    """How large a payload may be: bytes of JSON, and levels of lists and objects in it."""

    size: int = 256 * 1024
    nesting: int = 32


class InvalidPayloadError(Exception):  # a part of the contract between the doors; it names what the payload is
    """A payload is no job. It will never work as it stands.

    Attributes:
        problems: everything that is wrong with it, at least one.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.pointer or 'the payload'}: {p.message}" for p in problems[:3]))
        self.problems = problems


class InvalidJsonError(InvalidPayloadError):
    """It is not even JSON."""


class PayloadTooLargeError(InvalidPayloadError):
    """It has more bytes than allowed; what is in it was not looked at."""


@dataclass(frozen=True, slots=True)
class JobPayload:
    """A job that has the right shape.

    Attributes:
        id: the id that the payload asks for, or ``None``.
        name: the job's name, or ``None``.
        parameters: read-only values for the job's tags, however the payload called them.
        variables: what the job's variables start with.
        steps: its steps as they were sent, each field checked.
    """

    id: str | None
    name: str | None
    parameters: dict[str, Any]
    variables: dict[str, Any]
    steps: list[dict[str, Any]]

    def with_id(self, id: str) -> JobPayload:
        """The same job under an id that came from elsewhere: a header, a message id, chance."""
        return JobPayload(id, self.name, self.parameters, self.variables, self.steps)

    def as_job(self) -> dict[str, Any]:
        """What `Conduit.from_dict` and `Conduit.restore` take."""
        return {
            "id": self.id,
            "name": self.name,
            "parameters": self.parameters,
            "variables": self.variables,
            "steps": self.steps,
        }

    def canonical(self) -> str:
        """The one JSON text of this job, to be stored and hashed.

        White space, escapes, the order of a job's own fields and how numbers of seconds were written do not show in
        it. The order of keys in `parameters` and `variables` does, since blocks can tell it: it is part of the job.
        """
        return json_text.encode_read(self.as_job())


_EMPTY: Final = JobPayload(None, None, {}, {}, [])
_GROWTH: Final = 5
"""How much longer a payload's canonical text can be: ``9e15`` becomes ``9000000000000000.0``."""


def parse(body: str | bytes | Mapping[str, Any], limits: PayloadLimits = PayloadLimits()) -> JobPayload:
    """Read what a user sent as a job.

    Args:
        body: JSON text, its bytes, or what was parsed of it already.
        limits: how large it may be.

    Raises:
        InvalidJsonError: it is not JSON in UTF-8.
        PayloadTooLargeError: it has more bytes than `limits.size`.
        InvalidPayloadError: it is JSON, but not a job; every problem at once.
    """
    text = _as_text(body)
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="replace"))
    if size > limits.size:
        message = f"A payload may have {limits.size} bytes; this one has {size}."
        raise PayloadTooLargeError([Problem("", "PAYLOAD_LIMIT_EXCEED", message)])
    try:
        value = json_text.read(text, nesting=limits.nesting)
    except json_text.InvalidJsonTextError as error:
        raise (InvalidJsonError if error.malformed else InvalidPayloadError)(error.problems) from None
    try:
        job = shape.validator().validate_python(value)
    except ValidationError as error:
        raise InvalidPayloadError(bounded(shape.explain(error, value))) from None
    payload = _assemble(job)
    if size * _GROWTH > limits.size:
        _refuse_grown(payload, limits)
    return payload


def _refuse_grown(payload: JobPayload, limits: PayloadLimits) -> None:
    """Refuse a payload whose numbers take more room written out (``9e15``) than it may have: it could not be stored."""
    grown = len(payload.canonical().encode()) - len(_EMPTY.canonical())
    if grown > limits.size:
        message = f"A payload may have {limits.size} bytes; this one has {grown} once its numbers are written out."
        raise PayloadTooLargeError([Problem("", "PAYLOAD_LIMIT_EXCEED", message)])


def _as_text(body: str | bytes | Mapping[str, Any]) -> str | bytes:
    if isinstance(body, (str, bytes)):
        return body
    try:
        return json_text.encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidJsonError([Problem("", "INVALID_JSON", f"The payload has no JSON form: {error}.")]) from None


def _assemble(job: dict[str, Any]) -> JobPayload:
    if "local_values" in job and "parameters" in job:
        message = "local_values is another name for parameters; send one of them."
        raise InvalidPayloadError([Problem("/local_values", "CONFLICTING_FIELDS", message)])
    parameters = job.get("parameters", job.get("local_values"))
    return JobPayload(
        id=job.get("id"),
        name=job.get("name"),
        parameters=parameters if parameters is not None else {},
        variables=job.get("variables", {}),
        steps=job["steps"],
    )
