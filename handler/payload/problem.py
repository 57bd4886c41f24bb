"""Problems in users' input: their places, codes and messages."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

Severity = Literal["error", "warning"]

CODES: Final[dict[str, str]] = {
    "INVALID_JSON": "The text is not JSON (RFC 8259) in UTF-8.",
    "DUPLICATE_KEY": "An object has a key twice, so that two parsers could see two different jobs.",
    "UNUSABLE_VALUE": "The value is JSON, but it cannot be stored: a number or a character out of range.",
    "NESTING_LIMIT_EXCEED": "Lists and objects are nested deeper than the limit.",
    "PAYLOAD_LIMIT_EXCEED": "The payload has more bytes than allowed.",
    "MISSING_FIELD": "A required field is missing.",
    "UNKNOWN_FIELD": "There is no field of this name.",
    "RESERVED_FIELD": "The field comes from the deployment or from the caller's identity, never from a payload.",
    "CONFLICTING_FIELDS": "Two fields with the same meaning are both given.",
    "INVALID_FIELD": "The field has an invalid value.",
    "INVALID_ID": "The id has characters or a length that are not allowed.",
    "UNCERTAIN_VARIABLE": "A warning: the tag reads a variable that may not exist: it depends on an earlier step.",
    "LATER_STEP": "A warning: the tag reads a step that has not run yet, so its result is still null.",
    "CONSTANT_CONDITION": "A warning: the condition is the same in every run.",
    "LOOKS_LIKE_A_TAG": "A warning: the string resembles a tag or an expression but is not one, so it is not replaced.",
    "AT_MOST_ONCE": "A warning: the block runs at most once, so a retry covers only failures before it begins.",
    "TIME_AS_TEXT": "A warning: a time is compared with `now()` as a string, which needs times in the same form.",
}
"""The codes that are not names of a `ConduitStatus`, each with its meaning."""


MAX_PROBLEMS: Final = 1000
MAX_PROBLEM_CHARACTERS: Final = 1_000_000
MAX_POINTER: Final = 500
MAX_MESSAGE: Final = 1000
MAX_PATH: Final = 400
"""The most characters of a step's path: four nested loops and a step, each with an id of 64 characters."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    Attributes:
        pointer: the place as a JSON pointer (RFC 6901); ``""`` is the whole text.
        code: a name of `ConduitStatus`, or one of `CODES`.
        message: for people: the mistake, the expected value, and the remedy.
        severity: ``error`` if the job cannot run as written; ``warning`` if it may.
        path: the path of the step, with ``*`` for the index of any item; ``None`` outside of steps.
        column: the column of an expression's error in the string at `pointer`, from 1.
        because: the path of the step whose problem causes this one, or ``None``.
    """

    pointer: str
    code: str
    message: str
    severity: Severity = "error"
    path: str | None = None
    column: int | None = None
    because: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the ``errors`` of a 422."""
        return {"pointer": self.pointer, "code": self.code, "message": self.message}

    def as_answer(self) -> dict[str, Any]:
        """Return the entry for the ``problems`` of ``POST /jobs/validate``."""
        answer: dict[str, Any] = {
            "severity": self.severity,
            "pointer": self.pointer,
            "path": self.path,
            "code": self.code,
            "message": self.message,
        }
        if self.column is not None:
            answer["column"] = self.column
        if self.because is not None:
            answer["because"] = self.because
        return answer


def point(path: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path of keys and indexes.

    A pointer ends before the key with which it would exceed `MAX_POINTER`.
    """
    pointer = ""
    for part in path:
        key = str(part)
        if len(pointer) + len(key) >= MAX_POINTER:
            break
        longer = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
        if len(longer) > MAX_POINTER:
            break
        pointer = longer
    return pointer.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair cannot be sent


def quote(text: str, length: int = 60) -> str:
    """Quote `text` for a message: on one line, with control characters escaped, at most about `length` characters."""
    return repr(text if len(text) <= length else text[:length] + "…")


class TooManyProblemsError(Exception):
    """No more problems fit into an answer, and a further search could be endless."""


class Problems:
    """Collects as many problems as fit into an answer.

    Attributes:
        found: the problems found so far.
    """

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._size = 0

    def add(self, problem: Problem) -> None:
        """Add a problem.

        Raises:
            TooManyProblemsError: the limit is reached; a problem that says this replaces the given one.
        """
        if len(problem.message) > MAX_MESSAGE:
            problem = replace(problem, message=problem.message[: MAX_MESSAGE - 1] + "…")
        self._size += len(problem.pointer) + len(problem.message)
        if len(self.found) >= MAX_PROBLEMS or self._size > MAX_PROBLEM_CHARACTERS:
            message = "There are more problems than fit into an answer; solve these first."
            self.found.append(Problem("", problem.code, message, problem.severity))
            raise TooManyProblemsError
        self.found.append(problem)

    def __bool__(self) -> bool:
        return bool(self.found)


def bounded(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that fit into an answer; if some do not fit, the last one says this."""
    kept = Problems()
    with suppress(TooManyProblemsError):
        for problem in problems:
            kept.add(problem)
    return kept.found
