"""The shape of a job on the wire: its fields, what each may hold, and how a value that does not fit is explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import SchemaValidator
from typing_extensions import TypedDict

from handler.payload.problem import Problem, point, quote

ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"
STEP_ID_PATTERN: Final = r"^[^._]([^.]{0,62}[^._])?$"
"""1 to 64 characters, no dots, no ``_`` at either end: no tag could reach any other."""
MAX_NAME: Final = 256
"""Characters of a job's name or an action: both stand in the item that is written most often, and in every event."""

_STRICT: Final = ConfigDict(extra="forbid", strict=True)

JobId = Annotated[str, Field(pattern=ID_PATTERN)]
StepId = Annotated[str, Field(pattern=STEP_ID_PATTERN)]
Delay = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
RetriedStatus = Literal[
    "UNHANDLED_EXCEPTION",
    "INVALID_ARGUMENT",
    "ASSERTION_ERROR",
    "TIME_LIMIT_EXCEED",
    "RESULT_LIMIT_EXCEED",
    "CALL_FAILED",
    "CALL_REFUSED",
]
"""What a block's run can end in, DONE aside: the statuses that trying again can change."""


class RetriedHttp(TypedDict):
    """HTTP statuses in the error's details."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # pydantic's documented place for it
    http: list[Annotated[int, Field(ge=100, le=599)]]


class RetriedCode(TypedDict):
    """Codes of AWS in the error's details."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # as above
    code: list[Annotated[str, Field(max_length=MAX_NAME)]]


class StepRetry(TypedDict, total=False):
    """When and how often a step's block is tried again."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # pydantic's documented place for it
    attempts: Annotated[int, Field(ge=1, le=100)]
    delay: Delay
    backoff: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)]
    max_delay: Delay
    jitter: bool
    on: list[RetriedStatus | RetriedHttp | RetriedCode]


JobStep = TypedDict(
    "JobStep",
    {
        "id": NotRequired[StepId | None],
        "action": Annotated[str, Field(max_length=MAX_NAME)],
        "parameters": NotRequired[dict[str, Any]],
        "if": NotRequired[str | bool | list[str] | None],
        "forced": NotRequired[bool],
        "timeout": NotRequired[Annotated[float, Field(gt=0, allow_inf_nan=False)] | None],
        "retry": NotRequired[StepRetry | None],
        "allow_failure": NotRequired[bool],
    },
)
"""One step. In this form because ``if`` is a word of Python."""
JobStep.__pydantic_config__ = _STRICT  # type: ignore[attr-defined] # as above


class JobShape(TypedDict):
    """A job: what to do, and with which values."""  # in schemas, too

    __pydantic_config__ = _STRICT  # type: ignore[misc] # as above
    # A checked job has its fields in this order, whatever order they came in: its canonical text relies on it.
    id: NotRequired[JobId | None]
    name: NotRequired[Annotated[str, Field(max_length=MAX_NAME)] | None]
    parameters: NotRequired[dict[str, Any]]
    local_values: NotRequired[dict[str, Any]]
    variables: NotRequired[dict[str, Any]]
    steps: list[JobStep]


RESERVED: Final = frozenset(
    {
        "tags",
        "global_values",
        "globals",
        "step_limit",
        "block_limit_overrides",
        "blocks",
        "on_step_update",
        "on_job_finish",
    }
)
"""What the library took in a job's dictionary or constructor, and users must never decide."""

_EXPECTED: Final = {
    "id": "1 to 64 of the characters A-Z a-z 0-9 _ -",
    "name": f"a text of at most {MAX_NAME} characters",
    "parameters": "an object",
    "local_values": "an object",
    "variables": "an object",
    "steps": "a list of steps",
}
_EXPECTED_OF_STEP: Final = {
    "id": "1 to 64 characters, no dot among them and no _ at either end",
    "action": f"the name of a block, a text of at most {MAX_NAME} characters",
    "parameters": "an object",
    "if": "a text, a list of texts, true or false",
    "forced": "true or false",
    "timeout": "a number of seconds above 0",
    "retry": "an object",
    "allow_failure": "true or false",
}
_EXPECTED_OF_RETRY: Final = {
    "attempts": "a whole number from 1 to 100",
    "delay": "a number of seconds from 0 to 86,400",
    "backoff": "a number from 1 to 100",
    "max_delay": "a number of seconds from 0 to 86,400",
    "jitter": "true or false",
    "on": "a list of UNHANDLED_EXCEPTION, INVALID_ARGUMENT, ASSERTION_ERROR, TIME_LIMIT_EXCEED, RESULT_LIMIT_EXCEED, "
    'CALL_FAILED, CALL_REFUSED, {"http": [409]} and {"code": ["Throttling"]}',
}


@cache
def validator() -> SchemaValidator:
    """The compiled check of a whole job: gives the job with its fields in one order.

    It raises `pydantic.ValidationError`; see `explain`.
    """
    made: TypeAdapter[Any] = TypeAdapter(JobShape)
    return made.validator  # type: ignore[return-value] # declared wider, for pydantic's plug-ins


def explain(error: ValidationError, value: Any) -> Iterator[Problem]:
    """The problems that a `ValidationError` stands for, each field named once.

    Args:
        error: what `validator` raised.
        value: what it was given.
    """
    explained: set[tuple[str | int, ...]] = set()
    for entry in error.errors(include_url=False, include_context=False, include_input=False):
        path = _field(entry["loc"], value)
        if path not in explained:
            explained.add(path)
            yield _problem(path, entry["type"])


def _field(loc: tuple[str | int, ...], value: Any) -> tuple[str | int, ...]:
    """The path of the field that does not fit: `loc` less what pydantic adds for the members of a union."""
    match loc:
        case ("steps", int(), "if", "list[str]", int(index)):
            return (*loc[:3], index)
        case ("steps", int(), "retry", "on", int(), *_):
            return loc[:5]  # what the members of the union say is in the words about the field
        case ("steps", int(position), "if", _, *_):
            given = value["steps"][position]["if"]
            if isinstance(given, list):  # the other members of the union have nothing to say about a list
                return (*loc[:3], next(i for i, text in enumerate(given) if not isinstance(text, str)))
            return loc[:3]
    return loc


def _problem(path: tuple[str | int, ...], kind: str) -> Problem:
    fields, owner, depth = _owner(path)
    name = str(path[depth]) if len(path) > depth else ""
    pointer = point(path)
    if kind == "missing":
        return Problem(pointer, "MISSING_FIELD", f"{owner} needs {quote(name)}: {fields[name]}.")
    if kind == "extra_forbidden":
        if depth == 0 and name in RESERVED:
            message = f"{quote(name)} comes from the deployment and from who you are; leave it out of the payload."
            return Problem(pointer, "RESERVED_FIELD", message)
        return Problem(pointer, "UNKNOWN_FIELD", f"{owner} has no field {quote(name)}; {_hint(name, fields)}")
    if not name:
        return Problem(pointer, "INVALID_FIELD", f"{owner} is a JSON object.")
    if isinstance(path[-1], int) and name == "if":
        return Problem(pointer, "INVALID_FIELD", "Each condition in a list of them is a text.")
    code = "INVALID_ID" if name == "id" else "INVALID_FIELD"
    return Problem(pointer, code, f"{quote(name)} is {fields[name]}.")


def _owner(path: tuple[str | int, ...]) -> tuple[Mapping[str, str], str, int]:
    """Whose field `path` is: what its fields hold, what it is called, and where in `path` the field's name stands."""
    match path:
        case ("steps", int(), "retry", str(), *_):
            return _EXPECTED_OF_RETRY, "retry", 3
        case ("steps", int(), *_):
            return _EXPECTED_OF_STEP, "A step", 2
    return _EXPECTED, "A job", 0


def _hint(name: str, fields: Mapping[str, str]) -> str:
    close = get_close_matches(name[:64], fields, n=1)
    return f"did you mean {quote(close[0])}?" if close else f"it may have {', '.join(fields)}."
