"""What is wrong with something that a user sent: where, which kind, and in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

Severity = Literal["error", "warning"]

CODES: Final[dict[str, str]] = {
    "INVALID_JSON": "The text is not JSON (RFC 8259) in UTF-8.",
    "DUPLICATE_KEY": "An object has a key twice, so that two readers could see two different jobs.",
    "UNUSABLE_VALUE": "The value is JSON, but nothing here can keep it: a number or a character out of range.",
    "NESTING_LIMIT_EXCEED": "Lists and objects stand deeper in each other than the nesting limit.",
    "PAYLOAD_LIMIT_EXCEED": "There are more bytes than a payload may have.",
    "MISSING_FIELD": "A required field is not there.",
    "UNKNOWN_FIELD": "There is no field of this name.",
    "RESERVED_FIELD": "The field comes from the deployment or from the caller's identity, never from a payload.",
    "CONFLICTING_FIELDS": "Two fields stand for the same thing and both are given.",
    "INVALID_FIELD": "The field has a value that it cannot have.",
    "INVALID_ID": "The id has characters or a length that no id may have.",
    "UNCERTAIN_VARIABLE": "A warning: the tag reads a variable that exists only if some step made it, or left it.",
    "LATER_STEP": "A warning: the tag reads a step that runs later, so its result is still null.",
}
"""The codes that are not names of a `ConduitStatus`, each with what it says."""


MAX_PROBLEMS: Final = 1000
MAX_PROBLEM_CHARACTERS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        pointer: where, as a JSON pointer (RFC 6901); ``""`` is the whole text.
        code: a name of `ConduitStatus`, or one of `CODES`.
        message: for people: what it is, what was expected, what to do.
        severity: an ``error`` keeps the job from running as it stands, a ``warning`` may.
    """

    pointer: str
    code: str
    message: str
    severity: Severity = "error"

    def as_dict(self) -> dict[str, Any]:
        """As an entry of the ``errors`` of a 422."""
        return {"pointer": self.pointer, "code": self.code, "message": self.message}

    def as_finding(self) -> dict[str, Any]:
        """As an entry of the ``problems`` of ``POST /jobs/validate``."""
        return {"severity": self.severity, **self.as_dict()}


def point(path: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path of keys and indexes."""
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return pointer.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair could not be sent back


def quote(text: str, length: int = 60) -> str:
    """`text` in quotes for a message: one line, control characters escaped, no longer than `length` or so."""
    return repr(text if len(text) <= length else text[:length] + "…")


def bounded(problems: Iterable[Problem]) -> list[Problem]:
    """As many of `problems` as fit into an answer, and a last one that says so where they do not.

    A payload of a few kilobytes can have problems whose pointers add up to gigabytes: a long key over many bad values.
    """
    kept: list[Problem] = []
    size = 0
    for problem in problems:
        size += len(problem.pointer) + len(problem.message)
        if len(kept) == MAX_PROBLEMS or size > MAX_PROBLEM_CHARACTERS:
            kept.append(
                Problem(
                    "",
                    problem.code,
                    "There are more problems than fit into an answer; solve these first.",
                    problem.severity,
                )
            )
            break
        kept.append(problem)
    return kept
