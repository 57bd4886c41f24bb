"""Regular expressions in Python's syntax; every search ends at the step's limit.

A hostile pattern and string can keep `re` busy for years. Its engine looks for signals every 4,096 operations
of one attempt, so the alarm of a step interrupts it in the main thread. It delays the alarm only if many attempts stay
below that number and each of them scans a long string. So a short string is searched in this process, which takes a
fifth of a second at worst. A longer one, or one in a thread that no signal reaches, is searched in a child process that
is killed at the limit. See docs/decisions/011-patterns.md.

Shared by the blocks of REGEX and by the functions of expressions.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, Protocol, TypeVar

from typing_extensions import TypedDict

from blocks.charges import NUMBER, PLACE, Charges, cost_of_entries, cost_of_item, cost_of_places, cost_of_text

T = TypeVar("T")
Charge = Callable[[int, int], None]
"""Charges for a value before it is built: its least bytes as JSON, and its cost."""

SHORT: Final = 300
"""Characters of a string that is searched in this process."""
LONGEST_PATTERN: Final = 10_000
"""Characters of a pattern or a replacement: compiling takes time and memory in proportion."""
KEPT_PATTERN: Final = 1_000
"""Characters of a pattern that may stay in the cache of `re`, which keeps 512 of any size."""

STRING: Final = 3
"""The least that a string takes in a JSON list besides its characters: two quotes and a comma."""
NULL: Final = 5
FOUND: Final = len('{"match":"","groups":[],"start":0},')
COST_OF_FOUND: Final = PLACE + cost_of_entries(3) + cost_of_places(0) + NUMBER
COST_OF_PIECE: Final = 18
"""The cost of a piece of a string, besides its bytes, until the pieces are joined."""

_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_REFERENCE: Final = re.compile(r"\\(?:g<(?P<name>[^>]*)>|(?P<octal>0[0-7]{0,2}|[1-3][0-7]{2})|(?P<number>[1-9][0-9]?))")


class Guard(Charges, Protocol):
    """Keeps a search within its limits. `blocks.block.Call` is one."""

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run a function in a child process that is killed at the step's limit; its result comes back as JSON."""


class Found(TypedDict):
    """One match.

    Attributes:
        match: the part of the string that matched.
        groups: the part that each group matched, in order; null for a group that took no part.
        start: the index of the match's first character.
    """

    match: str
    groups: list[str | None]
    start: int


def matches(guard: Guard, text: str, pattern: str, *, ignore_case: bool = False) -> bool:
    """Return whether the pattern matches anywhere in the string.

    Raises:
        ValueError: the pattern is malformed. The functions below raise this too.
    """
    compiled = _compile(pattern, ignore_case)
    return _run(guard, text, lambda _: compiled.search(text) is not None)


def find(guard: Guard, text: str, pattern: str, *, ignore_case: bool = False) -> Found | None:
    """The first match, or ``None``."""
    compiled = _compile(pattern, ignore_case)

    def work(charge: Charge) -> Found | None:
        match = compiled.search(text)
        return None if match is None else _found(match, charge)

    return _run(guard, text, work)


def find_all(guard: Guard, text: str, pattern: str, *, ignore_case: bool = False) -> list[Found]:
    """All matches from left to right, without overlap."""
    compiled = _compile(pattern, ignore_case)
    return _run(guard, text, lambda charge: [_found(match, charge) for match in compiled.finditer(text)])


def find_texts(guard: Guard, text: str, pattern: str) -> list[str]:
    """The strings of all matches from left to right, without overlap."""
    compiled = _compile(pattern, False)

    def work(charge: Charge) -> list[str]:
        found = []
        for match in compiled.finditer(text):
            piece = match[0]
            charge(_size_of(piece), PLACE + cost_of_item(piece))
            found.append(piece)
        return found

    return _run(guard, text, work)


def replace(
    guard: Guard, text: str, pattern: str, replacement: str, *, count: int = 0, ignore_case: bool = False
) -> str:
    r"""The string with the first `count` matches replaced (0: all of them).

    Args:
        guard: keeps the search within its limits.
        text: the string.
        pattern: the pattern.
        replacement: the string that replaces a match; ``\1``, ``\g<1>`` and ``\g<name>`` refer to its groups.
        count: how many matches are replaced.
        ignore_case: whether upper and lower case are the same.

    Raises:
        ValueError: the pattern or the replacement is malformed, or `count` is below 0.
    """
    if count < 0:
        raise ValueError(f"`count` is 0 (for all matches) or more, not {count}")
    compiled = _compile(pattern, ignore_case)
    parts = _parse_replacement(compiled, replacement)

    def work(charge: Charge) -> str:
        return "".join(_replace(compiled, text, parts, count, charge))

    return _run(guard, text, work)


def split(guard: Guard, text: str, pattern: str, *, ignore_case: bool = False) -> list[str | None]:
    """Return the pieces between the matches, with the matches of the pattern's groups between them, as in Python."""
    compiled = _compile(pattern, ignore_case)

    def work(charge: Charge) -> list[str | None]:
        pieces: list[str | None] = []
        end = 0
        for match in compiled.finditer(text):
            for piece in (text[end : match.start()], *match.groups()):
                charge(_size_of(piece), PLACE + cost_of_item(piece))
                pieces.append(piece)
            end = match.end()
        charge(STRING + len(text) - end, PLACE + cost_of_text(text) + COST_OF_PIECE)
        return [*pieces, text[end:]]

    return _run(guard, text, work)


def _run(guard: Guard, text: str, work: Callable[[Charge], T]) -> T:
    if len(text) <= SHORT and threading.current_thread() is threading.main_thread():
        return work(guard.charge)
    sizes = costs = 0

    def charge(size: int, cost: int) -> None:
        nonlocal sizes, costs
        sizes, costs = sizes + size, costs + cost
        guard.charge(size, cost)  # the child's copy: it stops the child, and the step is charged below

    result, size, cost = guard.isolate(lambda: [work(charge), sizes, costs])
    guard.charge(size, cost)
    done: T = result
    return done


def _size_of(piece: str | None) -> int:
    """The least bytes that a piece takes in a JSON list, with its comma."""
    """The least bytes of a piece in a JSON list."""
    if piece is None:
        return NULL
    return STRING + len(piece)


def _found(match: re.Match[str], charge: Charge) -> Found:
    groups = match.groups()
    size = FOUND + len(match[0]) + sum(map(_size_of, groups)) - len(groups)  # the constant leaves out a comma
    cost = COST_OF_FOUND + cost_of_item(match[0]) + sum(PLACE + cost_of_item(group) for group in groups)
    charge(size, cost)
    return {"match": match[0], "groups": list(groups), "start": match.start()}


@lru_cache(maxsize=32)
def _compile(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"the pattern has {len(pattern):,} characters; {LONGEST_PATTERN:,} are the limit")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sets that a later version may parse differently
            return re.compile(pattern, re.IGNORECASE if ignore_case else re.NOFLAG)
    except (re.error, OverflowError) as error:
        raise ValueError(f"the pattern is not a valid regular expression: {error}") from None
    except RecursionError:
        raise ValueError("the pattern is not a valid regular expression: its groups are nested too deep") from None
    finally:
        if len(pattern) > KEPT_PATTERN:
            re.purge()


def _replace(compiled: re.Pattern[str], text: str, parts: list[str | int], count: int, charge: Charge) -> Iterator[str]:
    end = 0
    for number, match in enumerate(compiled.finditer(text), start=1):
        charge(match.start() - end, COST_OF_PIECE + 2 * (match.start() - end))
        yield text[end : match.start()]
        for part in parts:
            piece = part if isinstance(part, str) else match[part] or ""
            charge(len(piece), COST_OF_PIECE + 2 * cost_of_text(piece))
            yield piece
        end = match.end()
        if number == count:
            break
    charge(len(text) - end, 2 * (len(text) - end))
    yield text[end:]


def _parse_replacement(compiled: re.Pattern[str], replacement: str) -> list[str | int]:
    r"""Return the strings and the group numbers of a replacement. The escapes are those of Python's `re.sub`."""
    if len(replacement) > LONGEST_PATTERN and "\\" in replacement:
        raise ValueError(f"a replacement with escapes has at most {LONGEST_PATTERN:,} characters")
    parts: list[str | int] = []
    rest = replacement
    while rest:
        plain, backslash, after = rest.partition("\\")
        if plain:
            parts.append(plain)
        if not backslash:
            break
        position = len(replacement) - len(after) - 1
        reference = _REFERENCE.match(rest, len(plain))
        if reference is not None:
            parts.append(_refer(compiled, reference, position))
            rest = rest[reference.end() :]
        elif after[:1] in _ESCAPES:
            parts.append(_ESCAPES[after[0]])
            rest = after[1:]
        elif not after or (after[0].isascii() and after[0].isalpha()):
            raise ValueError(f"the replacement has an unknown escape \\{after[:1]} at position {position}; write \\\\")
        else:
            parts.append(backslash + after[0])
            rest = after[1:]
    return parts


def _refer(compiled: re.Pattern[str], reference: re.Match[str], position: int) -> str | int:
    if reference["octal"]:
        return chr(int(reference["octal"], 8))
    name = reference["number"] or reference["name"]
    if name.isascii() and name.isdigit():
        if int(name) <= compiled.groups:
            return int(name)
    elif name in compiled.groupindex:
        return compiled.groupindex[name]
    raise ValueError(
        f"the replacement names the group {name!r} at position {position}, which the pattern does not have"
    )
