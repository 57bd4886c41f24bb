"""TEXT: blocks that make, measure, search and change strings."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, Field

from blocks.block import Call, Category
from blocks.charges import charge_strings, cost_of_text

category = Category("TEXT", effect="none")

CASE: Final = 4
"""The cost of a character whose case changes: Python reserves three characters of four bytes, then makes the result."""
ESCAPED: Final = 10
"""The most characters that Python writes for one that it escapes."""
LONGEST_CONSTANT: Final = 5
LONGEST_FLOAT: Final = 25

WORD: Final = re.compile(r"\S+")
"""A word, as ``str.split`` splits at white space."""

DECOMPOSED: Final = 10
"""The cost of decomposing a string, as a multiple of its own: one letter may become 18, and each word is a string."""
WORD_OF_SLUG: Final = re.compile(r"[a-z0-9]+")
LETTERS: Final = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"})
"""Latin letters that Unicode does not decompose."""

# The library spelt it "seperator"; its jobs keep working.
Separator = Annotated[str, Field(validation_alias=AliasChoices("separator", "seperator"))]
OptionalSeparator = Annotated[str | None, Field(validation_alias=AliasChoices("separator", "seperator"))]


@category.block
def create(call__: Call, /, *, value: Any) -> str:
    """Write any value as a string, as Python's ``str`` does: null becomes `"None"`, true becomes `"True"`.

    `{"value": {"a": [1, null]}}` gives `"{'a': [1, None]}"`.
    """
    call__.charge(*_written(value))
    return str(value)


@category.block
def join(call__: Call, /, *, text1: str, text2: str, join_with: str = " ") -> str:
    """Join two strings with a third between them, by default a space.

    `{"text1": "Hello", "text2": "World"}` gives `"Hello World"`.
    """
    call__.charge(len(text1) + len(join_with) + len(text2))
    return text1 + join_with + text2


@category.block
def join_list(call__: Call, /, *, list: list[str], separator: Separator = "") -> str:
    """Join all strings of a list, with the separator between them.

    `{"list": ["a", "b", "c"], "separator": ", "}` gives `"a, b, c"`.
    """
    call__.charge(sum(map(len, list)) + len(separator) * max(len(list) - 1, 0))
    return separator.join(list)


@category.block
def includes(*, text: str, piece: str) -> bool:
    """Return true if the string contains the piece. Upper and lower case differ."""
    return piece in text


@category.block
def count(*, text: str) -> int:
    """Count the characters of the string."""
    return len(text)


@category.block
def get(*, text: str, index: int) -> str:
    """Return the character at the index: 0 is the first, -1 the last.

    An index past either end is UNHANDLED_EXCEPTION (IndexError).
    """
    return text[index]


@category.block
def count_piece(*, text: str, piece: str) -> int:
    """Count how often the piece occurs in the string, without overlap.

    The empty piece occurs before each character and at the end.
    """
    return text.count(piece)


@category.block
def is_empty(*, text: str, include_spaces: bool = True) -> bool:
    """Return true if the string has no characters, or, with `include_spaces` false, only white space."""
    return not text or (not include_spaces and text.isspace())


@category.block
def strip(*, text: str, chars: str | None = None) -> str:
    """Remove white space from both ends of the string, or the characters of `chars` if it is given.

    `{"text": "--a-b--", "chars": "-"}` gives `"a-b"`.
    """
    # Each character is searched for in `chars` from the start: duplicates would make long strings take seconds.
    return text.strip("".join(set(chars)) if chars else chars)


@category.block
def uppercase(call__: Call, /, *, text: str) -> str:
    """Convert every letter to upper case. One letter may become several: `"ß"` becomes `"SS"`."""
    call__.charge(len(text), _cost_of_case(text))  # upper case is never shorter
    return text.upper()


@category.block
def lowercase(call__: Call, /, *, text: str) -> str:
    """Convert every letter to lower case."""
    call__.charge(0, _cost_of_case(text))
    return text.lower()


@category.block
def split(call__: Call, /, *, text: str, separator: OptionalSeparator = None, maxsplit: int = -1) -> list[str]:
    """Split the string at each separator, at most `maxsplit` times (-1 for any number), into a list of strings.

    Without a separator it is split at white space, and the list has no empty strings. An empty separator is
    INVALID_ARGUMENT. `{"text": "a,b,,c", "separator": ","}` gives `["a", "b", "", "c"]`.
    """
    pieces = sum(1 for _ in WORD.finditer(text)) if separator is None else text.count(separator) + 1
    charge_strings(call__, pieces if maxsplit < 0 else min(pieces, maxsplit + 1), len(text), wide=not text.isascii())
    return text.split(separator, maxsplit)


@category.block
def titlecase(call__: Call, /, *, text: str) -> str:
    """Convert the first letter of every word to upper case, the others to lower case. `"it's"` becomes `"It'S"`."""
    call__.charge(0, CASE * len(text))
    return text.title()


@category.block
def starts_with(*, text: str, piece: str) -> bool:
    """Return true if the string begins with the piece."""
    return text.startswith(piece)


@category.block
def ends_with(*, text: str, piece: str) -> bool:
    """Return true if the string ends with the piece."""
    return text.endswith(piece)


@category.block
def is_numeric(*, text: str) -> bool:
    """Return true if the string is not empty and each character is numeric; fractions such as `"½"` are.

    A sign or a point is not numeric: `"-1"` and `"3.5"` give false.
    """
    return text.isnumeric()


@category.block
def is_text(*, value: Any) -> bool:
    """Return true if the value is a string."""
    return isinstance(value, str)


@category.block
def replace(call__: Call, /, *, text: str, old: str, new: str, count: int = -1) -> str:
    """Replace `old` with `new`, from the left, at most `count` times; a negative count replaces all.

    `{"text": "a-b-c", "old": "-", "new": "+", "count": 1}` gives `"a+b-c"`. An empty `old` is found
    before each character and at the end.
    """
    found = text.count(old)
    replaced = found if count < 0 else min(found, count)
    call__.charge(len(text) + replaced * (len(new) - len(old)))
    return text.replace(old, new, count)


@category.block
def truncate(*, text: str, length: int, ending: str = "…") -> str:
    """Cut a string that is longer than `length` characters; with its ending it then has `length`.

    A longer ending is left out; a negative length is INVALID_ARGUMENT.
    `{"text": "A long story", "length": 7}` gives `"A long…"`.
    """
    if length < 0:
        raise ValueError(f"`length` is 0 or more, not {length}")
    if len(text) <= length:
        return text
    return text[:length] if len(ending) > length else text[: length - len(ending)] + ending


@category.block
def slug(call__: Call, /, *, text: str) -> str:
    """Write a string for an address: lower case letters `a` to `z` and digits, with one hyphen between words.

    Accents are dropped, and so are letters of other scripts. `{"text": "Crème brûlée, 2 pieces!"}` gives
    `"creme-brulee-2-pieces"`.
    """
    import unicodedata  # noqa: PLC0415  # a megabyte of tables that few jobs need

    call__.charge(0, DECOMPOSED * cost_of_text(text))
    plain = unicodedata.normalize("NFKD", text.casefold().translate(LETTERS)).encode("ascii", "ignore")
    return "-".join(WORD_OF_SLUG.findall(plain.decode().lower()))


@category.block
def pad(call__: Call, /, *, text: str, length: int, side: Literal["left", "right"] = "left", fill: str = " ") -> str:
    """Add `fill` before the string (after it, with the side `right`) until it has `length` characters.

    A fill of several characters is repeated and cut; an empty one is INVALID_ARGUMENT. A string that is long enough
    does not change. `{"text": "7", "length": 3, "fill": "0"}` gives `"007"`.
    """
    if not fill:
        raise ValueError("`fill` has one character or more")
    missing = length - len(text)
    if missing <= 0:
        return text
    call__.charge(length, 3 * length)  # one character of four bytes widens all the others
    filling = (fill * (missing // len(fill) + 1))[:missing]
    return filling + text if side == "left" else text + filling


def _cost_of_case(text: str) -> int:
    return len(text) if text.isascii() else CASE * len(text)


def _written(value: Any) -> tuple[int, int]:
    """Return the least and the most characters of ``str(value)``."""
    if isinstance(value, str):
        return len(value), len(value)
    return _shown(value)


def _shown(value: Any) -> tuple[int, int]:
    """Return the same of ``repr(value)``. Of a list or a dictionary, its items and commas count."""
    if isinstance(value, str):
        return len(value), 2 + (len(value) if value.isprintable() else ESCAPED * len(value))
    if isinstance(value, (dict, list)):
        inner = value if isinstance(value, list) else (*value, *value.values())
        least = most = 2
        for item in inner:
            shortest, longest = _shown(item)
            least, most = least + shortest + 1, most + longest + 2
        return least, most
    if isinstance(value, int):
        digits = max(1, value.bit_length() * 1233 >> 12)  # or one fewer
        return digits, max(digits + 2, LONGEST_CONSTANT)
    return 1, LONGEST_FLOAT
