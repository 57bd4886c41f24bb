"""Parses a job: checks its shape in one pass of compiled code.

Only the shape is checked here. Whether the steps can work (blocks, tags, arguments) is checked by
`handler.validation.validate` before a run and by the engine during it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import is_
from typing import Any, Final

from handler.engine.limits import NESTING, PAYLOAD, STEPS
from handler.payload import json_text, meaning, shape
from handler.payload.problem import Problem
from handler.payload.straight import read_straight


@dataclass(frozen=True, slots=True)
class PayloadLimits:
    """The largest allowed payload.

    Attributes:
        size: bytes of JSON.
        nesting: levels of nested lists and objects.
        steps: written steps, including inner steps and the output.
    """

    size: int = PAYLOAD
    nesting: int = NESTING
    steps: int = STEPS


class InvalidPayloadError(Exception):  # the doors share this name
    """A payload is not a valid job. Sending it again unchanged will not help.

    Attributes:
        problems: all problems of the payload, at least one.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.pointer or 'the payload'}: {p.message}" for p in problems[:3]))
        self.problems = problems


class InvalidJsonError(InvalidPayloadError):
    """The payload is not JSON."""


class PayloadTooLargeError(InvalidPayloadError):
    """The payload has more bytes than allowed; its content was not parsed."""


@dataclass(slots=True)
class JobPayload:
    """A job of valid shape. It never changes.

    Attributes:
        id: the id in the payload, or ``None``.
        name: the job's name, or ``None``.
        parameters: read-only values for the job's tags, under either of their two names.
        variables: the initial values of the job's variables.
        steps: the steps as sent, with checked fields.
        timeout: seconds from the start of a run, or ``None``.
        output: the job's output, with its tags, or ``None`` for no output.
    """

    id: str | None
    name: str | None
    parameters: dict[str, Any]
    variables: dict[str, Any]
    steps: list[dict[str, Any]]
    timeout: float | None = None
    output: Any = None

    def with_id(self, id: str) -> JobPayload:
        """Return the job with an id from elsewhere: a header, a message id, or a random one."""
        return replace(self, id=id)

    def as_job(self) -> dict[str, Any]:
        """Return the dictionary for `Conduit.from_dict` and `Conduit.restore`."""
        job: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "parameters": self.parameters,
            "variables": self.variables,
            "steps": self.steps,
        }
        if self.timeout is not None:
            job["timeout"] = self.timeout
        if self.output is not None:
            job["output"] = self.output
        return job

    def canonical(self) -> str:
        """Return the canonical JSON text of this job, for storage.

        The text does not depend on white space, escapes, the order of a job's own fields, or the notation of seconds.
        It keeps the order of keys in `parameters` and `variables`: blocks depend on it, so it is part of the job.
        """
        return json_text.encode_read(self.as_job())

    def meaning(self, canonical: str) -> str:
        """Return the JSON text of the job's meaning, to be hashed: it is equal for all ways to write the same job.

        The text has no nulls and no defaults, and the names of blocks are in upper case.

        Args:
            canonical: the result of `canonical`. For many jobs, the meaning is the same text.
        """
        steps = meaning.of_steps(self.steps)
        if all(map(is_, steps, self.steps)):
            return canonical
        return json_text.encode_read({**self.as_job(), "steps": steps})


_EMPTY: Final = JobPayload(None, None, {}, {}, [])
_GROWTH: Final = 5
"""The most by which a payload's canonical text can be longer than it: ``9e15`` becomes ``9000000000000000.0``."""


def parse(body: str | bytes | Mapping[str, Any], limits: PayloadLimits = PayloadLimits()) -> JobPayload:
    """Parse a job that a user sent.

    Args:
        body: JSON text, its bytes, or its parsed value.
        limits: the limits of its size.

    Raises:
        InvalidJsonError: the body is not JSON in UTF-8.
        PayloadTooLargeError: the payload has more bytes than `limits.size`.
        InvalidPayloadError: the body is JSON, but not a job; all problems are listed.
    """
    value, size = read_value(body, limits, "A payload")
    job = read_straight(value)
    if job is None or len(job["steps"]) + (job.get("output") is not None) > limits.steps:
        reader = shape.Reader(limits.steps)
        job = reader.read(value)
        if reader.problems:
            raise InvalidPayloadError(reader.problems.found)
    payload = _assemble(job)
    if size * _GROWTH > limits.size:
        _refuse_grown(payload, limits)
    return payload


def _refuse_grown(payload: JobPayload, limits: PayloadLimits) -> None:
    """Refuse a payload that exceeds its limit once its numbers are written out (``9e15``): it could not be stored."""
    grown = len(payload.canonical().encode()) - len(_EMPTY.canonical())
    if grown > limits.size:
        message = (
            f"A payload may have at most {limits.size} bytes; this one has {grown} once its numbers are written out."
        )
        raise PayloadTooLargeError([Problem("", "PAYLOAD_LIMIT_EXCEED", message)])


def read_value(sent: str | bytes | Mapping[str, Any], limits: PayloadLimits, name: str) -> tuple[Any, int]:
    """Parse JSON; return the value and the bytes of its text.

    Args:
        sent: JSON text, its bytes, or its parsed value.
        limits: the limits of its size and nesting.
        name: its name in messages, such as ``A body``.

    Raises:
        InvalidJsonError: it is not JSON in UTF-8.
        PayloadTooLargeError: it has more bytes than `limits.size`.
        InvalidPayloadError: it is JSON, but cannot be kept.
    """
    text = _as_text(sent)
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="replace"))
    if size > limits.size:
        message = f"{name} may have at most {limits.size} bytes; this one has {size}."
        raise PayloadTooLargeError([Problem("", "PAYLOAD_LIMIT_EXCEED", message)])
    try:
        return json_text.read(text, nesting=limits.nesting), size
    except json_text.InvalidJsonTextError as error:
        raise (InvalidJsonError if error.malformed else InvalidPayloadError)(error.problems) from None


def _as_text(body: str | bytes | Mapping[str, Any]) -> str | bytes:
    """Return the JSON text of what was sent: itself, or that of a parsed value.

    Raises:
        InvalidJsonError: the value has no JSON form.
    """
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
        timeout=job.get("timeout"),
        output=job.get("output"),
    )
