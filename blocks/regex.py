"""REGEX: blocks that search strings for regular expressions, in Python's syntax.

Every search ends at the step's time limit. A malformed pattern, or one of more than 10,000 characters, is
INVALID_ARGUMENT.
"""

from __future__ import annotations

from typing import Any

from blocks import patterns
from blocks.block import Call, Category

category = Category("REGEX", effect="none")


@category.block
def match(call__: Call, /, *, text: str, pattern: str, ignore_case: bool = False) -> bool:
    """Return true if the pattern matches anywhere in the string; `^` and `$` match only at its ends.

    `{"text": "order 42", "pattern": "[0-9]+"}` gives `true`.
    """
    return patterns.matches(call__, text, pattern, ignore_case=ignore_case)


@category.block
def find(call__: Call, /, *, text: str, pattern: str, ignore_case: bool = False) -> dict[str, Any] | None:
    """Return the first match with its groups and its index, or null.

    A group that took no part is null. `{"text": "order 42 of 7", "pattern": "([0-9]+) of ([0-9]+)"}` gives
    `{"match": "42 of 7", "groups": ["42", "7"], "start": 6}`.
    """
    found = patterns.find(call__, text, pattern, ignore_case=ignore_case)
    return None if found is None else dict(found)


@category.block
def find_all(call__: Call, /, *, text: str, pattern: str, ignore_case: bool = False) -> list[Any]:
    """Return all matches from left to right, without overlap, each in the form of `REGEX.FIND`.

    `{"text": "a1b2", "pattern": "[0-9]"}` gives
    `[{"match": "1", "groups": [], "start": 1}, {"match": "2", "groups": [], "start": 3}]`.
    """
    return [*patterns.find_all(call__, text, pattern, ignore_case=ignore_case)]


@category.block
def replace(
    call__: Call, /, *, text: str, pattern: str, replacement: str, count: int = 0, ignore_case: bool = False
) -> str:
    r"""Replace each match, or the first `count` matches, with `replacement`.

    In it, `\\1` and `\\g<1>` stand for the first group, `\\g<name>` for the group of that name, and `\\\\` for a
    backslash (each backslash is doubled for JSON). A group that the pattern does not have, and a negative count, are
    INVALID_ARGUMENT. `{"text": "Ann Lee", "pattern": "(\\w+) (\\w+)", "replacement": "\\2, \\1"}` gives `"Lee, Ann"`.
    """
    return patterns.replace(call__, text, pattern, replacement, count=count, ignore_case=ignore_case)


@category.block
def split(call__: Call, /, *, text: str, pattern: str, ignore_case: bool = False) -> list[str | None]:
    """Split the string at each match. The matches of the pattern's groups are between the pieces.

    `{"text": "a, b;c", "pattern": "[,;] *"}` gives `["a", "b", "c"]`.
    """
    return patterns.split(call__, text, pattern, ignore_case=ignore_case)
