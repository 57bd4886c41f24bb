"""The steps of a running job as a live table in a terminal.

This is imported only to show a table: rich is a developer's tool. The handler runs in the main thread, where time
limits work. Another thread draws the table from the events on the bus.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from handler.console.shown.job_text import HEADINGS, closing_lines
from handler.console.shown.progress import Progress
from infra.local.bus import BusEvent

REDRAW_SECONDS: Final = 0.05
WIDE: Final = 100
"""Columns of a terminal into which a full row usually fits."""
_LEFT_OUT: Final = ("tries", "ms")
_NAMES: Final = ("step", "action")
_WISHED: Final = 24
"""Characters of a result that are shown before names: in a narrow terminal, names are cut for them."""
_LEAST: Final = 6
_AROUND: Final = 7
"""Lines of a terminal that the title, the table's borders and the prompt take."""
_COLOURS: Final = {
    "DONE": "green",
    "IF_CONDITION_FAILED": "dim",
    "SKIPPED": "dim",
    "": "dim",
    "SUCCEEDED": "green",
    "RUNNING": "blue",
}


class LiveTable:
    """A context manager that shows the table, which follows the bus until the block ends.

    Args:
        title: the job's name.
        steps: the job's written steps. Without them, rows appear with the events.
        see_events: returns the events since its last call; called from the drawing thread only.
        console: the console to draw on.

    Attributes:
        events: all events that `see_events` returned.
    """

    def __init__(
        self, title: str, steps: Sequence[Any], see_events: Callable[[], list[BusEvent]], console: Console
    ) -> None:
        self.events: list[BusEvent] = []
        self._title = title
        self._progress = Progress(steps)
        self._see_events = see_events
        self._live = Live(console=console, auto_refresh=False)
        self._drawn = False
        self._job: Mapping[str, Any] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="live-table", daemon=True)

    def __enter__(self) -> Self:
        self._live.start()
        self._thread.start()
        return self

    def complete(self, job: Mapping[str, Any]) -> None:
        """Set the finished job, so that the last drawing shows it."""
        self._job = job

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._live.stop()

    def _follow(self) -> None:
        while not self._ended.wait(REDRAW_SECONDS):
            self._draw()
        self._draw(whole=True)  # with the events since the last drawing

    def _draw(self, *, whole: bool = False) -> None:
        seen = False
        for event in self._see_events():
            seen = True
            self.events.append(event)
            if step := event["detail"].get("step"):
                self._progress.add(step)
        if not (seen or whole) and self._drawn:
            return
        if whole and self._job is not None:
            self._progress.complete(self._job)  # after the last events, which do not count a loop's items
        self._drawn = True
        rows = self._progress.rows()
        console = self._live.console
        shown = rows if whole else rows_in_sight(rows, console.height - _AROUND)
        self._live.update(table_of(self._title, shown, console.width), refresh=True)


def rows_in_sight(rows: Sequence[tuple[str, ...]], most: int) -> Sequence[tuple[str, ...]]:
    """At most `most` rows around the running step: a terminal shows no more, and each row costs time."""
    most = max(most, _LEAST)
    place = HEADINGS.index("status")
    running = next((at for at, row in enumerate(rows) if row[place] in {"RUNNING", ""}), len(rows) - 1)
    first = max(0, min(running - most // 2, len(rows) - most))
    return rows[first : first + most]


def print_summary(job: Mapping[str, Any], console: Console) -> None:
    """Print the variables, the full errors, and, in colour, the job's end."""
    *lines, summary = closing_lines(job)
    for line in lines:
        console.print(Text(line, overflow="fold"))
    console.print(Text(summary, style=_COLOURS.get(job["status"], "red")))


def table_of(title: str, rows: Sequence[Sequence[str]], width: int = WIDE) -> Table:
    """A table with the status of each row in its colour.

    Args:
        title: the job's name.
        rows: cells in the order of `HEADINGS`.
        width: columns of the terminal. A narrow one shows no durations and tries, and names are cut before results.
    """
    shown = [name for name in HEADINGS if width >= WIDE or name not in _LEFT_OUT]
    places = [HEADINGS.index(name) for name in shown]
    widths = [max(map(cell_len, (HEADINGS[place], *(row[place] for row in rows)))) for place in places]
    room = width - 3 * len(shown) - 1  # without the borders and spaces between columns
    if width < WIDE:
        names = [shown.index(name) for name in _NAMES]
        others = sum(widths[:-1]) - sum(widths[place] for place in names)
        most = max((room - others - min(widths[-1], _WISHED)) // len(names), _LEAST)
        for place in names:
            widths[place] = min(widths[place], most)
    widths[-1] = max(min(widths[-1], room - sum(widths[:-1])), _LEAST)
    table = Table(title=Text(title), title_justify="left")
    for name, size in zip(shown, widths, strict=True):
        table.add_column(name, overflow="ellipsis", no_wrap=True, width=size)
    for row in rows:
        status = row[HEADINGS.index("status")]
        cells = [Text(row[place], no_wrap=True, overflow="ellipsis") for place in places]  # user input is not markup
        cells[shown.index("status")].stylize(_COLOURS.get(status, "red"))
        table.add_row(*cells)
    return table
