"""CSV: blocks that read and write tables of comma-separated values."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from blocks.block import Call, Category
from blocks.charges import cost_of_entries, cost_of_list, cost_of_text
from blocks.messages import shown

category = Category("CSV", effect="none")

CELL: Final = 3
"""The least that a cell takes in a JSON list besides its characters: its quotes and a comma."""
KEY: Final = 3
"""The least that a cell's key takes in a JSON object besides its characters: its quotes and a colon."""
NULL: Final = 5
LINE: Final = 15
"""The cost of a line, besides its bytes, until the lines are joined."""
WIDEST_CELL: Final = 1 << 30
"""Characters. Python's reader allows 131,072 by default; the job's own limits decide instead."""


@category.block
def parse(call__: Call, /, *, text: str, header: bool = True, delimiter: str = ",") -> list[Any]:
    r"""Return the rows of a table: as objects with the keys of the first row, or, with `header` false, as lists.

    Cells are strings; one in double quotes may hold delimiters, line breaks and doubled quotes. Empty lines are left
    out. If a row is too short, its last keys are null. A row that is too long, two columns with one name, and unmatched
    quotes are INVALID_ARGUMENT. `{"text": "id,name\n7,Ann\n"}` gives `[{"id": "7", "name": "Ann"}]`.
    """
    rows = _rows(call__, text.removeprefix("\ufeff"), delimiter)
    if not header:
        return [row for _, row in rows]
    _, names = next(rows, (0, []))
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the first row names the column {shown(name)} twice")
        seen.add(name)
    return list(_objects(call__, names, rows))


@category.block(name="text")
def text_(call__: Call, /, *, rows: list[Any], header: bool = True, delimiter: str = ",") -> str:
    r"""Write a table: one row, ending with a carriage return and a line feed, for each object (or list) of `rows`.

    The columns of objects are all their keys in the order of their first occurrence; the first row names them, unless
    `header` is false. Strings are written unchanged, null as an empty cell, anything else as JSON.
    `{"rows": [{"id": 7, "name": "Ann"}]}` gives `"id,name\r\n7,Ann\r\n"`.
    """
    import csv  # noqa: PLC0415  # few jobs need it

    _check(delimiter)
    written = _Written(call__)
    writer = csv.writer(written, delimiter=delimiter)
    names: dict[str, None] = {}
    for number, row in enumerate(rows):
        if not isinstance(row, type(rows[0])) or not isinstance(row, (dict, list)):
            raise ValueError(f"row {number} differs in kind from the first: all must be objects, or all lists")  # noqa: TRY004  # INVALID_ARGUMENT
        if isinstance(row, dict):
            names.update(dict.fromkeys(row))
    if names and header:
        writer.writerow(names)
    for row in rows:
        writer.writerow(_cells(map(row.get, names) if isinstance(row, dict) else row))
    return "".join(written.lines)


class _Written:
    """The target of `csv`'s writer: it charges each line."""

    def __init__(self, call: Call) -> None:
        self.lines: list[str] = []
        self._call = call

    def write(self, line: str) -> None:
        self._call.charge(len(line), LINE + cost_of_text(line))
        self.lines.append(line)


def _rows(call: Call, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its last line; charged as lists."""
    import csv  # noqa: PLC0415  # few jobs need it

    _check(delimiter)
    csv.field_size_limit(WIDEST_CELL)
    call.charge(0, 2 * cost_of_text(text))  # the reader copies it with four bytes per character
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                call.charge(sum(map(len, row)) + CELL * len(row), cost_of_list(row))
                yield reader.line_num, row
    except csv.Error as error:
        raise ValueError(
            f"`text` is not a valid table of comma-separated values: {error}, in line {reader.line_num}"
        ) from None


def _objects(call: Call, names: list[str], rows: Iterable[tuple[int, list[str]]]) -> Iterator[dict[str, str | None]]:
    keys = sum(map(len, names)) + KEY * len(names)
    for line, row in rows:
        missing = len(names) - len(row)
        if missing < 0:
            raise ValueError(f"the row in line {line} has {len(row)} cells; the first row names {len(names)} columns")
        call.charge(keys + NULL * missing, cost_of_entries(len(names)))
        yield dict(zip(names, row + [None] * missing, strict=True))


def _cells(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if value is None:
            yield ""
        else:
            yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, allow_nan=False)


def _check(delimiter: str) -> None:
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"`delimiter` is one character, neither a quote nor a line break, not {shown(delimiter)}")
