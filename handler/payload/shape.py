"""Checks the shape of a job by the table of fields.

Most jobs have only steps that run one block each: `handler.payload.straight` checks them in one pass. `Reader` checks
all others step by step: jobs with other kinds of steps, and jobs with problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from handler.payload import fields, values
from handler.payload.fields import JOB, KEYS, KINDS, OWNERS, RESERVED
from handler.payload.problem import MAX_PATH, Problem, Problems, TooManyProblemsError, point, quote
from handler.payload.suggestion import Suggestions
from handler.payload.table import Branches, Field, Group, Kind, Steps
from handler.payload.values import Value

MAX_DEPTH: Final = 4
"""The most levels of nested loops and choices."""

_EVERYWHERE: Final = (fields.ID, fields.IF, fields.FORCED)
"""Fields of every kind of step."""
_OF_BLOCK: Final = ("action", "parameters", "retry", "poll")
"""Fields of a loop in its short form."""

_TAGGED: Final = re.compile(values.TAG_PATTERN)

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a list of steps.

    Attributes:
        prefix: the part of the steps' paths before their ids.
        depth: the number of loops and choices around the list.
        in_loop: whether a loop is around the list.
        inner: whether the list is inside another step, so that its steps need ids.
    """

    prefix: str = ""
    depth: int = 0
    in_loop: bool = False
    inner: bool = False


class _TooManyStepsError(Exception):
    """The job has too many steps; the rest is not checked."""


class Reader:
    """Checks a job with any kinds of steps. The result has its fields in the order of the table.

    Args:
        most_steps: the most written steps of a job, including inner steps and its output.

    Attributes:
        problems: the problems found. The job is valid only if there are none.
    """

    def __init__(self, most_steps: int) -> None:
        self.problems = Problems()
        self._most_steps = most_steps
        self._left = most_steps
        self._suggestions = Suggestions()
        self._path: str | None = None

    def read(self, value: Any) -> dict[str, Any]:
        """Return the job without its invalid parts."""
        if not isinstance(value, dict):
            self._say((), "INVALID_FIELD", "A job must be a JSON object.")
            return {}
        if value.get("output") is not None:
            self._left -= 1
        with suppress(_TooManyStepsError, TooManyProblemsError):
            return self._fields(JOB.owner, JOB.fields, value, (), Place())
        return {}

    def _say(self, path: Path, code: str, message: str, *, pointer: str | None = None) -> None:
        where = point(path) if pointer is None else pointer
        self.problems.add(Problem(where, code, message, path=self._path))

    # ------------------------------------------------------------------ objects

    def _fields(
        self, owner: str, table: Mapping[str, Field], given: Mapping[str, Any], path: Path, place: Place
    ) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for name, one in table.items():
            if name not in given:
                if one.required:
                    self._say((*path, name), "MISSING_FIELD", f"{owner} needs {quote(name)}: {one.expects}.")
            elif given[name] is None and one.nullable:
                read[name] = None
            else:
                read[name] = self._field(one, given[name], (*path, name), place)
        for name in given:
            if name not in table:
                self._unknown(owner, name, table, path)
        return read

    def _field(self, one: Field, given: Any, path: Path, place: Place) -> Any:
        match one.holds:
            case Value() as value:
                return self._value(one, value, given, path)
            case Group() as group:
                return self._group(group, given, path, place)
            case Branches() as branches:
                return self._branches(branches, given, path, place)
            case Steps() as steps:
                inside = replace(place, prefix=f"{self._path}.*.", in_loop=True) if steps.loop else place
                return self._steps(one, steps, given, path, inside)

    def _value(self, one: Field, value: Value, given: Any, path: Path) -> Any:
        try:
            return value.read(given)
        except ValueError:
            code = "INVALID_ID" if one.name == "id" else "INVALID_FIELD"
            inside = values.first_invalid(value, given)
            self._say((*path, *inside), code, f"{quote(one.name)} must be {one.expects}.")
            return None

    def _group(self, group: Group, given: Any, path: Path, place: Place) -> Any:
        if not isinstance(given, dict):
            self._say(path, "INVALID_FIELD", f"{group.owner} must be a JSON object.")
            return None
        read = self._fields(group.owner, group.fields, given, path, place)
        present = [name for name in group.one_of if name in given]
        if group.one_of and len(present) != 1:
            message = f"{group.owner} has exactly one of {' and '.join(map(quote, group.one_of))}."
            self._say(path, "INVALID_FIELD", message)
        return read

    def _branches(self, branches: Branches, given: Any, path: Path, place: Place) -> Any:
        if not isinstance(given, list) or not given:
            self._say(path, "INVALID_FIELD", f"{quote(str(path[-1]))} must be {branches.expects}.")
            return None
        return [self._group(branches.branch, one, (*path, index), place) for index, one in enumerate(given)]

    def _unknown(self, owner: str, name: str, table: Mapping[str, Field], path: Path) -> None:
        here = (*path, name)
        if table is JOB.fields and name in RESERVED:
            message = f"{quote(name)} comes from the deployment and your identity; leave it out of the payload."
            self._say(here, "RESERVED_FIELD", message)
            return
        meant = self._suggestions.nearest(name, table)
        hint = f"did you mean {quote(meant)}?" if meant else f"it may have {', '.join(table)}."
        self._say(here, "UNKNOWN_FIELD", f"{owner} has no field {quote(name)}; {hint}")

    # ------------------------------------------------------------------ steps

    def _steps(self, one: Field, steps: Steps, given: Any, path: Path, place: Place) -> Any:
        outer = self._path
        if not isinstance(given, list):
            self._say(path, "INVALID_FIELD", f"{quote(one.name)} must be {steps.expects}.")
            return None
        if len(given) < steps.least or (steps.most is not None and len(given) > steps.most):
            message = f"{quote(one.name)} must be {steps.expects}; this one has {len(given)}."
            self._say(path, "INVALID_FIELD", message)
            return None
        self._left -= len(given)
        if self._left < 0:
            message = f"A job may have at most {self._most_steps:,} steps, inner ones and `output` included."
            self._path = None
            self._say(("steps",), "STEP_LIMIT_EXCEED", message)
            raise _TooManyStepsError
        read = [self._step(step, (*path, index), place) for index, step in enumerate(given)]
        self._path = outer
        return read

    def _step(self, given: Any, path: Path, place: Place) -> Any:
        self._path = _path_of(given, path, place)
        if not isinstance(given, dict):
            self._say(path, "INVALID_FIELD", "A step must be a JSON object.")
            return None
        kind = self._kind(given, path)
        if kind is None:
            for one in _EVERYWHERE:
                if given.get(one.name) is not None:
                    self._field(one, given[one.name], (*path, one.name), place)
            return None
        if place.inner and given.get("id") is None:
            self._say((*path, "id"), "INVALID_FIELD", "A step inside of another needs an 'id'.")
        inside = self._inside(kind, path, place)
        if inside is None:
            return None
        misplaced = [name for name in given if name not in kind.fields and name in OWNERS]
        for name in misplaced:
            self._say((*path, name), "INVALID_FIELD", _misplaced(name, kind))
        known = {name: value for name, value in given.items() if name not in misplaced} if misplaced else given
        read = self._fields("A step", kind.fields, known, path, inside)
        self._check(kind, given, path, place)
        return read

    def _kind(self, given: Mapping[str, Any], path: Path) -> Kind | None:
        found = [key for key in KEYS if key in given]
        if found == ["action", "for_each"]:  # the short form of a loop
            found = ["for_each"]
        if len(found) == 1:
            return next(kind for kind in KINDS.values() if kind.key == found[0])
        kinds = f"{', '.join(KEYS[:-1])} or {KEYS[-1]}"
        has = f"this one has {' and '.join(found)}" if found else "this one has none of them"
        hint = "" if found else self._hint(given)
        message = f"A step is exactly one of these kinds: {kinds}; {has}.{hint}"
        self._say(path, "INVALID_FIELD", message)
        return None

    def _hint(self, given: Mapping[str, Any]) -> str:
        for name in list(given)[:8]:
            if name not in OWNERS and (meant := self._suggestions.nearest(name, KEYS)):
                return f" Did you mean {quote(meant)}?"
        return ""

    def _inside(self, kind: Kind, path: Path, place: Place) -> Place | None:
        """Return the place of the step's own steps."""
        if kind.name in ("for_each", "while", "choose"):
            if place.depth == MAX_DEPTH:
                message = f"Loops and choices may be nested at most {MAX_DEPTH} deep."
                self._say(path, "NESTING_LIMIT_EXCEED", message)
                return None
            return replace(place, depth=place.depth + 1, inner=True)
        return replace(place, inner=True) if kind.name == "try" else place

    def _check(self, kind: Kind, given: Mapping[str, Any], path: Path, place: Place) -> None:
        """Check the rules that the table of fields cannot express."""
        self._path = _path_of(given, path, place)
        if kind.name == "end" and given["end"] in ("loop", "item") and not place.in_loop:
            message = f'This step is not in a loop that it could end; \'end\' is "job" here, not "{given["end"]}".'
            self._say((*path, "end"), "INVALID_FIELD", message)
        if kind.name == "for_each":
            self._check_loop(given, path)
        if kind.name == "wait_for" and isinstance(given["wait_for"], dict):
            self._check_form(given["wait_for"].get("form"), (*path, "wait_for", "form"))

    def _check_form(self, form: Any, path: Path) -> None:
        if not isinstance(form, dict):
            return
        from handler.payload.value_schema_check import find_schema_problems  # noqa: PLC0415 # few jobs have a form

        for problem in find_schema_problems(form, path):
            self._say(path, problem.code, problem.message, pointer=problem.pointer)
        for where in _tagged(form, path):
            self._say(where, "INVALID_FIELD", "A form is a literal: tags and expressions are not read in it.")

    def _check_loop(self, given: Mapping[str, Any], path: Path) -> None:
        of_block = next((name for name in _OF_BLOCK if given.get(name) is not None), None)
        if "do" in given and of_block is not None:
            message = f"A loop has 'do' or one block with 'action'; this one has 'do' and {quote(of_block)}."
            self._say((*path, of_block), "INVALID_FIELD", message)
        elif "do" not in given and "action" not in given:
            message = "A loop needs 'do', its steps, or 'action', one block to run for each item."
            self._say((*path, "do"), "MISSING_FIELD", message)


def _tagged(value: Any, path: Path) -> Iterator[Path]:
    """Yield the places of strings with tags in a value."""
    if isinstance(value, str):
        if _TAGGED.search(value):
            yield path
    elif isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _tagged(inner, (*path, key))


def _misplaced(name: str, kind: Kind) -> str:
    owners = " or ".join(OWNERS[name])
    return f"{quote(name)} belongs to steps with {owners}; a step with {quote(kind.key)} has no such field."


def _path_of(given: Any, path: Path, place: Place) -> str | None:
    id_ = given.get("id") if isinstance(given, dict) else None
    if isinstance(id_, str):
        return (place.prefix + id_)[:MAX_PATH]
    if place.inner or id_ is not None or not isinstance(path[-1], int):
        return None
    return str(path[-1] + 1)
