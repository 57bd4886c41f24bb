"""Suggestions: for operators of other languages, misspelled names, and keys that need brackets."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

_MOST_NAMES: Final = 100
_MOST_LETTERS: Final = 2
"""Letters in which a misspelled name differs from the name that was meant."""
_LONGEST: Final = 40

_OPERATORS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), message)
    for pattern, message in (
        (r"&&", "`&&` is written `and`"),
        (r"\|\|", "`||` is written `or`"),
        (r"===", "`===` is written `==`"),
        (r"!==", "`!==` is written `!=`"),
        (r"<>", "`<>` is written `!=`"),
        (r"=<", "`=<` is written `<=`"),
        (r"=>|->", "`>=` compares; `x => …` is written as a comprehension: `[… for x in list]`"),
        (r"!(?!=)", "`!x` is written `not x`"),
        (r"\?\?", "`a ?? b` is written `default(a, b)`"),
        (r"\?\.", '`a?.b` is written `get(a, "b")` or `default(a.b, null)`'),
        (r"\?", "`c ? a : b` is written `a if c else b`"),
        (r"\+\+|--(?=\s*$)", "there is no `++` or `--`: an expression cannot change values"),
        (r"\*\*", "there are no powers"),
        (r":=", "`:=` is not an operator here: an expression cannot assign"),
        (r"#", "an expression cannot contain comments"),
        (r"`", "strings are written in single or double quotes"),
        (r"[\u2018-\u201f«»]", "strings are written in straight quotes, ' or \""),
        (r";", "an expression has one value: remove the `;`"),
        (r"\\", "a backslash is allowed only in quotes"),
        (r"\$", "`$` has no meaning here; a parameter is `parameters.name`"),
        (r"@", "`@` has no meaning here"),
        (r"\|", "`|` is not an operator: a filter is a function, `upper(x)`, and `or` is written `or`"),
        (r"&", "`&` is written `and`"),
        (r"%}|:}|#}|>}", "this closes a tag that was never opened: a tag is `{< name >}`, without spaces in its path"),
        (r"(?<![=!<>:])=(?!=)", "`=` is written `==`"),
        (r"\blambda\b", "an expression cannot define functions; a comprehension is `[… for x in list]`"),
        (r"\bawait\b|\byield\b", "an expression cannot wait"),
        (r"\b(?:AND|OR|NOT|IN|IF|ELSE|FOR)\b", "`and`, `or`, `not`, `in`, `if`, `else` and `for` are lower case"),
        (r"\bthen\b", "`if c then a else b` is written `a if c else b`"),
    )
)  # fmt: skip
_KEYWORD_KEY: Final = re.compile(r"\.\s*(" + "|".join(sorted(keyword.kwlist)) + r")\b")
_NUMBER_KEY: Final = re.compile(r"[\w\])]\s*\.([0-9]+)")
_WORD: Final = re.compile(r"\w+")
_OPERAND_BEFORE: Final = re.compile(r"[\w\])}'\"]\s+$")
_CONDITION: Final = re.compile(r"\bif\b(?!.*\belse\b)")

WORDS: Final = {
    "undefined": "null", "nil": "null", "none": "null", "NULL": "null", "Null": "null", "TRUE": "true",
    "FALSE": "false", "size": "len", "length": "len", "count_of": "count", "concat": "join", "strip": "trim",
    "toupper": "upper", "uppercase": "upper", "tolower": "lower", "lowercase": "lower", "string": "str",
    "number": "float", "sort": "sorted", "distinct": "unique", "coalesce": "default", "ifnull": "default",
    "substring": "s[0:3]", "includes": "contains", "starts_with": "startswith", "ends_with": "endswith",
    "average": "sum(l) / len(l)", "avg": "sum(l) / len(l)", "mean": "sum(l) / len(l)", "regex": "matches",
    "match": "matches", "typeof": "type", "today": "now()", "concatenate": "join", "map": "[… for x in list]",
    "filter": "[x for x in list if …]", "pow": "x * x", "params": "parameters", "vars": "variables", "step": "steps",
    "dict": "{…}", "list": "[…]", "bool": "not not x", "reversed": "x[::-1]", "format": "fixed", "group_by": "group",
    "index_by": "index", "entries": "items", "dumps": "json", "stringify": "json", "loads": "parse_json",
    "extend": "a + b", "append": "a + [x]", "date": "time", "timestamp": "epoch", "isnull": "x == null",
}  # fmt: skip
"""Names from other languages, and their names here."""


def foreign_operator(text: str) -> tuple[int, str] | None:
    """Return the first operator of another language in a masked expression: its position, and what to write."""
    found = [(match.start(), message) for pattern, message in _OPERATORS if (match := pattern.search(text))]
    return min(found, key=lambda pair: pair[0]) if found else None


def explain(text: str, position: int, message: str) -> tuple[int, str]:
    """Return the position of the error in an expression that Python's grammar refuses, and what to write.

    Args:
        text: the masked expression.
        position: where Python stopped.
        message: Python's message.
    """
    foreign = foreign_operator(text)
    if foreign is not None and ("=` is written" not in foreign[1] or "keyword" not in message):
        return foreign
    if (key := _KEYWORD_KEY.search(text)) is not None:
        return key.start(1), f'`{key[1]}` cannot follow a dot: write ["{key[1]}"]'
    if (index := _NUMBER_KEY.search(text)) is not None:
        return index.start(1), f"an item of a list is read with brackets: [{index[1]}]"
    if "expected 'else'" in message or _CONDITION.search(text):
        return position, "`a if c` needs its `else`: `a if c else b`"
    if "never closed" in message or "unmatched" in message or "does not match" in message:
        return position, message
    if "Perhaps you forgot a comma" in message:
        return position, "an operator or a comma is missing"
    if "generator" in message.lower():
        return position, "a generator that is not the only argument must be in brackets: `[… for x in list]`"
    if "literal" in message:
        return position, "an operator is missing beside this number"
    if not message.startswith("invalid syntax"):
        return position, message
    return position, _misplaced(text, position)


def _misplaced(text: str, position: int) -> str:
    """Return what is wrong if Python's message says only that the syntax is invalid."""
    if position >= len(text):
        return "something is missing at the end"
    found = _WORD.match(text, position)
    word = found[0] if found else text[position]
    if word == "for":
        return "a comprehension must be in brackets: `[… for x in list]`"
    if word not in keyword.kwlist and (word[0].isalnum() or word in "'\"") and _OPERAND_BEFORE.search(text[:position]):
        return "an operator is missing before this"
    return f"`{word}` is not allowed here"


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant: one or two letters away."""
    allowed = 1 if len(name) < 5 else _MOST_LETTERS  # noqa: PLR2004  # letters of a short name
    best = None
    for other in similar_lengths(name, known):
        if other.lower() == name.lower():
            return other
        if abs(len(other) - len(name)) <= allowed:
            distance = _distance(name, other, allowed)
            if distance <= allowed:
                allowed, best = distance - 1, other
    return best


def similar_lengths(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that are compared with `name`: those of the first hundred that are nearly as long."""
    if len(name) > _LONGEST:
        return []
    return [other for other in islice(known, _MOST_NAMES) if abs(len(other) - len(name)) <= _MOST_LETTERS]


def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters to add, drop or change; a swap of neighbours counts as one. Above `most` it is not exact.

    Only cells near the diagonal are computed: users choose both names and their number.
    """
    far = most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [far] * (len(other) + 1)
        row[0] = i
        for j in range(max(1, i - most), min(len(other), i + most) + 1):
            wanted = other[j - 1]
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if before and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row[j] = cost
        if min(row) > most:
            return far
        before = above
    return row[-1]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean `…`?"``, or an empty string."""
    meant = WORDS.get(name) or closest(name, known)
    return f"; did you mean `{meant}`?" if meant else ""
