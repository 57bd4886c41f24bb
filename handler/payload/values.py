"""The kinds of values in a job's fields: for each, a compiled check and a description in words."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pydantic_core import CoreConfig, CoreSchema, SchemaValidator, ValidationError
from pydantic_core import core_schema as core

ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"
SENT_ID_PATTERN: Final = r"^([A-Za-z0-9-][A-Za-z0-9_-]{0,63}|_([A-Za-z0-9-][A-Za-z0-9_-]{0,62})?)$"
"""The pattern of an id that a sender chooses. Ids that begin with ``__`` come from a schedule or a hook's call."""
STEP_ID_PATTERN: Final = r"^[^._]([^.]{0,62}[^._])?$"
"""1 to 64 characters, no dots, no ``_`` at either end: tags could not read any other id."""
TAG_PATTERN: Final = r"\{[%:#<=] "
"""A part of every string with a tag or an expression."""
NAME_PATTERN: Final = r"^[A-Za-z]([A-Za-z0-9_]{0,62}[A-Za-z0-9])?$"
"""The pattern of a name that expressions can read, without `_` at either end."""
MAX_NAME: Final = 256
"""The most characters of a job's name or an action: both are in the most frequently written item and in all events."""
MAX_INNER_STEPS: Final = 50
"""Steps in one ``do``."""
RETRIED: Final = (
    "UNHANDLED_EXCEPTION",
    "INVALID_ARGUMENT",
    "ASSERTION_ERROR",
    "TIME_LIMIT_EXCEED",
    "RESULT_LIMIT_EXCEED",
    "CALL_FAILED",
    "CALL_REFUSED",
)
"""Statuses of a block's run that a retry may change."""

CONTEXT_NAMES: Final = ("job", "steps", "parameters", "variables", "loop")
"""Names that expressions can read everywhere: no item may have one of them."""

STRICT: Final = CoreConfig(strict=True)
"""No conversions. Each object needs this setting, because inner objects do not inherit it."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A kind of value.

    Attributes:
        expects: the words that complete the sentence "`x` is …".
        core: the compiled check. It returns the value in its canonical form: seconds as a float.
        refused: returns the strings that are refused although `core` accepts them; `None` if there are no such strings.
    """

    expects: str
    core: CoreSchema
    refused: Callable[[], frozenset[str]] | None = None

    def read(self, value: Any) -> Any:
        """Return the value in its canonical form.

        Raises:
            ValueError: the value does not fit.
        """
        read = _compile(self).validate_python(value)
        if self.refused is not None and read in self.refused():
            raise ValueError(self.expects)
        return read


@lru_cache(maxsize=128)
def _compile(value: Value) -> SchemaValidator:
    return SchemaValidator(value.core, STRICT)


def first_invalid(value: Value, given: Any) -> tuple[str | int, ...]:
    """Return the place of the first invalid element of a list; empty if the list as a whole is invalid."""
    try:
        _compile(value).validate_python(given)
    except ValidationError as error:
        if isinstance(given, list):
            for entry in error.errors(include_url=False, include_context=False, include_input=False):
                index = next((part for part in entry["loc"] if isinstance(part, int)), None)
                if index is not None:
                    return (index,)
    return ()


def _number(ge: float | None = None, gt: float | None = None, le: float | None = None) -> CoreSchema:
    number = core.float_schema(allow_inf_nan=False, ge=ge, gt=gt, le=le)
    return core.no_info_before_validator_function(_refuse_boolean, number)


def _refuse_boolean(value: Any) -> Any:
    if isinstance(value, bool):  # the number 1 or 0 for pydantic's strict mode
        raise ValueError("a boolean is not a number")  # noqa: TRY004 # pydantic's error for a value that does not fit
    return value


def or_null(schema: CoreSchema) -> CoreSchema:
    """Return a schema that also accepts null."""
    return core.nullable_schema(schema)


def _list(schema: CoreSchema, **bounds: int) -> CoreSchema:
    return core.list_schema(schema, fail_fast=True, **bounds)  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def reserved_names() -> frozenset[str]:
    """Return the names that no item of a loop may have: contexts, keywords and functions of expressions."""
    from handler.engine.language.functions import FUNCTIONS  # noqa: PLC0415 # few jobs name their items

    return frozenset({*keyword.kwlist, "true", "false", "null", *FUNCTIONS, *CONTEXT_NAMES})


ANY: Final = Value("any JSON value", core.any_schema())
OBJECT: Final = Value("an object", core.dict_schema(core.str_schema()))
BOOLEAN: Final = Value("true or false", core.bool_schema())
STRING: Final = Value("a string", core.str_schema())
JOB_ID: Final = Value(
    "1 to 64 of the characters A-Z a-z 0-9 _ -, without __ at the beginning", core.str_schema(pattern=SENT_ID_PATTERN)
)
STEP_ID: Final = Value(
    "1 to 64 characters, without a dot, and without _ at either end", core.str_schema(pattern=STEP_ID_PATTERN)
)
NAME: Final = Value(f"a string of at most {MAX_NAME} characters", core.str_schema(max_length=MAX_NAME))
ACTION: Final = Value(
    f"the name of a block, a string of at most {MAX_NAME} characters", core.str_schema(max_length=MAX_NAME)
)
CONDITION: Final = Value(
    "a string, a list of strings, true or false",
    core.union_schema([core.str_schema(), core.bool_schema(), _list(core.str_schema())], mode="left_to_right"),
)
SECONDS: Final = Value("a number of seconds above 0", _number(gt=0))
DELAY: Final = Value("a number of seconds from 0 to 86,400", _number(ge=0, le=86_400))
PACE: Final = Value("a number of seconds from 0 to 86,400", _number(ge=0, le=86_400))
TRIES: Final = Value("a whole number from 1 to 100", core.int_schema(ge=1, le=100))
CALLS: Final = Value("a whole number from 1 to 1,000", core.int_schema(ge=1, le=1000))
ROUNDS: Final = Value("a whole number from 1 to 1,000", core.int_schema(ge=1, le=1000))
FACTOR: Final = Value("a number from 1 to 100", _number(ge=1, le=100))
COUNT: Final = Value("a whole number of at least 0", core.int_schema(ge=0))
PERCENT: Final = Value("a number from 0 to 100", _number(ge=0, le=100))
RETRY_ON: Final = Value(
    f'a list of statuses ({", ".join(RETRIED)}), of {{"http": [statuses]}} and of {{"code": [codes]}}',
    _list(
        core.union_schema(
            [
                core.literal_schema([*RETRIED]),
                core.typed_dict_schema(
                    {"http": core.typed_dict_field(_list(core.int_schema(ge=100, le=599)))},
                    extra_behavior="forbid",
                    config=STRICT,
                ),
                core.typed_dict_schema(
                    {"code": core.typed_dict_field(_list(core.str_schema(max_length=MAX_NAME)))},
                    extra_behavior="forbid",
                    config=STRICT,
                ),
            ],
            mode="left_to_right",
        )
    ),
)
ITEM_NAME: Final = Value(
    "a name of letters, digits and _ that begins with a letter, does not end with _ and means nothing in expressions",
    core.str_schema(pattern=NAME_PATTERN),
    refused=reserved_names,
)
END: Final = Value('"job", "loop" or "item"', core.literal_schema(["job", "loop", "item"]))
WAIT_SECONDS: Final = Value(
    "a number of seconds of at least 0, or a tag or an expression that gives one",
    core.union_schema([_number(ge=0), core.str_schema(pattern=TAG_PATTERN)], mode="left_to_right"),
)
MOMENT: Final = Value("an RFC 3339 time, or a tag or an expression that gives one", core.str_schema(min_length=1))
CALLER_TAGS: Final = Value("a list of strings without braces", _list(core.str_schema(pattern=r"^[^{}]{1,128}$")))
FORM: Final = Value("an object: a JSON Schema of a few keywords", core.dict_schema(core.str_schema()))
