"""Starts of a stored workflow: the request, and the job that it starts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from handler.caller import Caller
from handler.payload.body import check_fields
from handler.payload.limits import limits_of
from handler.payload.parse import InvalidPayloadError, JobPayload, PayloadLimits, PayloadTooLargeError, parse
from handler.payload.problem import Problem, bounded, point, quote
from handler.payload.value_schema import DefaultsTooLargeError, compile_schema
from handler.payload.values import ID_PATTERN, SENT_ID_PATTERN
from handler.ports import Ports
from handler.workflows.origin import Origin
from handler.workflows.workflow import Definition
from handler.workflows.workflows import Workflows

Name = Annotated[str, Field(pattern=ID_PATTERN)]
SentId = Annotated[str, Field(pattern=SENT_ID_PATTERN)]

EXPECTED: Final = {
    "id": "the job's id: 1 to 64 of the characters A-Z a-z 0-9 _ -, without __ at the beginning",
    "parameters": "an object",
    "variables": "an object",
    "version": "the number of a version",
}
_EXPECTED_OF_MESSAGE: Final = {"workflow": "the name of a stored workflow", **EXPECTED}


class StartShape(TypedDict):
    """The request that starts a workflow. All fields are optional."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc] # pydantic's documented place
    id: NotRequired[SentId | None]
    parameters: NotRequired[dict[str, Any] | None]
    variables: NotRequired[dict[str, Any] | None]
    version: NotRequired[Annotated[int, Field(ge=1, le=10**8)] | None]


class _MessageShape(StartShape):
    workflow: Name


@cache
def _start_shape() -> TypeAdapter[Any]:
    return TypeAdapter(StartShape)


@cache
def _message_shape() -> TypeAdapter[Any]:
    return TypeAdapter(_MessageShape)


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A request to start a workflow.

    Attributes:
        workflow: the name of the workflow.
        id: the job's id, or ``None`` for a new one.
        parameters, variables: override those of the workflow.
        version: the version; ``None`` for the newest.
    """

    workflow: str
    id: str | None
    parameters: Mapping[str, Any]
    variables: Mapping[str, Any]
    version: int | None

    @property
    def digest(self) -> str:
        """A digest of the request. It does not depend on the workflow, which may change between repetitions."""
        sent = [self.workflow, self.version, self.parameters, self.variables]
        return hashlib.sha256(b"workflow\n" + json.dumps(sent, sort_keys=True).encode()).hexdigest()


def read_start(value: Mapping[str, Any], workflow: str) -> StartRequest:
    """Parse the body of a request to start a workflow.

    Raises:
        InvalidPayloadError: a field does not fit.
    """
    return _request(workflow, check_fields(_start_shape(), value, EXPECTED))


def read_start_message(value: Mapping[str, Any]) -> StartRequest:
    """Parse a message or an event that names a workflow.

    Raises:
        InvalidPayloadError: a field does not fit.
    """
    fields = check_fields(_message_shape(), value, _EXPECTED_OF_MESSAGE)
    return _request(fields["workflow"], fields)


def _request(workflow: str, fields: Mapping[str, Any]) -> StartRequest:
    return StartRequest(
        workflow=workflow,
        id=fields.get("id"),
        parameters=fields.get("parameters") or {},
        variables=fields.get("variables") or {},
        version=fields.get("version"),
    )


async def find_job(ports: Ports, caller: Caller, request: StartRequest) -> tuple[JobPayload, Origin]:
    """The job that a request starts, without an id, and its origin.

    Raises:
        NotFoundError: there is no such workflow or version.
        InvalidPayloadError: the parameters do not fit the workflow's inputs.
        PayloadTooLargeError: the job with its parameters is too large.
        InfraError: AWS failed.
    """
    _, version, definition = await Workflows(ports).find(caller.tenant, request.workflow, request.version)
    limits = limits_of(caller, ports.settings)
    job = {
        **definition.job,
        "parameters": merge_parameters(definition, request.parameters, limits),
        "variables": {**(definition.job.get("variables") or {}), **request.variables},
    }
    return parse(job, limits), Origin(request.workflow, version, request.digest)


def merge_parameters(definition: Definition, sent: Mapping[str, Any], limits: PayloadLimits) -> dict[str, Any]:
    """The parameters of a job: the workflow's own, overridden by the request's, with defaults for the rest.

    Raises:
        InvalidPayloadError: the parameters do not fit the workflow's inputs.
        PayloadTooLargeError: the workflow's defaults are too large.
    """
    merged = {**(definition.job.get("parameters") or {}), **sent}
    if definition.inputs is None:
        return merged
    schema = compile_schema(definition.inputs)
    problems = [_unknown(name, definition) for name in sent if name not in schema.properties]
    try:
        filled: dict[str, Any] = schema.filled(merged, limits.size)
    except DefaultsTooLargeError as error:
        raise PayloadTooLargeError([Problem("/parameters", "PAYLOAD_LIMIT_EXCEED", str(error))]) from None
    problems += schema.find_problems(filled, ("parameters",))
    if problems:
        raise InvalidPayloadError(bounded(problems))
    return filled


def _unknown(name: str, definition: Definition) -> Problem:
    known = ", ".join(sorted(definition.open_parameters or ())) or "none"
    message = f"The workflow has no input {quote(name)}; its inputs are: {quote(known, 200)[1:-1]}."
    return Problem(point(("parameters", name)), "UNKNOWN_FIELD", message)
