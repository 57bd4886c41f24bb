"""A stored workflow: a job without an id, with a version, a description and a schema of its parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handler.invocation.timestamps import iso
from handler.payload import json_text
from handler.payload.parse import InvalidPayloadError, JobPayload, PayloadLimits, parse
from handler.payload.problem import Problem
from handler.payload.value_schema_check import find_schema_problems

MAX_DESCRIPTION: Final = 1024
"""The most characters. Descriptions are short because every list contains them."""


@dataclass(frozen=True, slots=True)
class Definition:
    """The content of a version of a workflow.

    Attributes:
        job: the job as sent, without `inputs` and `description`.
        inputs: a schema of the parameters, or ``None`` if any are accepted.
        description: a description for people, or ``None``.
    """

    job: Mapping[str, Any]
    inputs: Mapping[str, Any] | None
    description: str | None

    def encode(self) -> str:
        """As JSON."""
        return json_text.encode({"job": self.job, "inputs": self.inputs, "description": self.description})

    @classmethod
    def decode(cls, text: str) -> Definition:
        """Read what `encode` wrote."""
        fields = json.loads(text)
        return cls(fields["job"], fields["inputs"], fields["description"])

    @property
    def open_parameters(self) -> frozenset[str] | None:
        """Names of the parameters that a start may give; ``None`` for any."""
        return None if self.inputs is None else frozenset(self.inputs.get("properties", ()))


@dataclass(frozen=True, slots=True)
class Head:
    """A workflow's summary, without the content of its versions.

    Attributes:
        versions: the time at which each version was saved, in seconds since 1970, oldest first.
        digest: a digest of the newest version's meaning.
        description: the newest version's description.
    """

    versions: tuple[float, ...]
    digest: str
    description: str | None

    @property
    def version(self) -> int:
        return len(self.versions)

    def encode(self) -> str:
        """As JSON."""
        fields = {"versions": list(self.versions), "digest": self.digest, "description": self.description}
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> Head:
        """Read what `encode` wrote."""
        fields = json.loads(text)
        return cls(tuple(fields["versions"]), fields["digest"], fields["description"])

    def view(self, name: str) -> dict[str, Any]:
        """The workflow in the form for lists."""
        versions = [{"version": number, "created_at": iso(at)} for number, at in enumerate(self.versions, 1)]
        return {"name": name, "version": self.version, "versions": versions, "description": self.description}


def read_definition(value: Mapping[str, Any], limits: PayloadLimits) -> tuple[Definition, JobPayload]:
    """Parse a body; return the definition and its job.

    Raises:
        InvalidPayloadError: the body's shape is not valid; all its problems are listed.
    """
    job = dict(value)
    inputs, description = job.pop("inputs", None), job.pop("description", None)
    problems: list[Problem] = []
    if "id" in job:
        job.pop("id")
        problems.append(Problem("/id", "UNKNOWN_FIELD", "A workflow has no 'id'; each of its jobs gets one."))
    if description is not None and (not isinstance(description, str) or len(description) > MAX_DESCRIPTION):
        message = f"'description' must be a string of at most {MAX_DESCRIPTION} characters."
        problems.append(Problem("/description", "INVALID_FIELD", message))
    problems += _problems_of_inputs(inputs)
    try:
        payload = parse(job, limits)
    except InvalidPayloadError as error:
        raise type(error)([*problems, *error.problems]) from None
    if problems:
        raise InvalidPayloadError(problems)
    if "local_values" in job:
        job["parameters"] = job.pop("local_values")
    return Definition(job, inputs, description), payload


def _problems_of_inputs(inputs: Any) -> Sequence[Problem]:
    if inputs is None:
        return []
    problems = find_schema_problems(inputs, ("inputs",))
    if not problems and inputs.get("type", "object") != "object":
        problems.append(Problem("/inputs/type", "INVALID_FIELD", "The parameters of a job must be an object."))
    return problems


def meaning_of(definition: Definition, payload: JobPayload) -> str:
    """A digest that is equal for two definitions with the same meaning."""
    rest = json.dumps([definition.inputs, definition.description], sort_keys=True)
    return hashlib.sha256(f"{payload.meaning(payload.canonical())}\n{rest}".encode()).hexdigest()
