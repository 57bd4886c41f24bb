"""The findings as tables: printed, and inserted into ``docs/performance.md`` between its markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN = "<!-- figures: written by make bench -->"
END = "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure and its goal.

    Attributes:
        what: a description of the comparison.
        measured: the figure; `None` if it was not measured.
        bound: the goal; `None` for a figure that is shown only for comparison.
        at_least: whether the bound is a minimum; otherwise it is a maximum.
        unit: appended to both.
    """

    what: str
    measured: float | None
    bound: float | None
    at_least: bool
    unit: str = "×"  # noqa: RUF001  # times, not the letter

    @property
    def reached(self) -> bool | None:
        if self.measured is None or self.bound is None:
            return None
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def row(self) -> tuple[str, str, str, str]:
        """The goal as a row of `table`."""
        if self.bound is None:
            return self.what, "-", f"{show(self.measured)}{self.unit}", "-"
        sign = "≥" if self.at_least else "≤"
        answer = {True: "yes", False: "**no**", None: "not measured"}[self.reached]
        return self.what, f"{sign} {show(self.bound)}{self.unit}", f"{show(self.measured)}{self.unit}", answer


def show(value: float | None) -> str:
    """Three significant digits, or a dash."""
    if value is None:
        return "-"
    if abs(value) >= 100:  # noqa: PLR2004  # three digits
        return f"{value:.0f}"
    return f"{value:.3g}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown whose columns are also aligned as plain text."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


def write(page: Path, figures: str) -> None:
    """Put `figures` between the page's markers.

    Raises:
        ValueError: the page does not have both markers, in their order.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page}: expected the lines {BEGIN!r} and {END!r}, in this order")
    page.write_text(f"{before}{BEGIN}\n\n{figures.strip()}\n\n{END}{after}", encoding="utf-8")
