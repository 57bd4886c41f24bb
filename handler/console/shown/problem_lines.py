"""The problems of a job as ``file:line:column: …`` lines, which editors can jump to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handler.console.shown.places import Place, find_places


def problem_lines(name: str, text: str, answer: Mapping[str, Any]) -> list[str]:
    """One line for each problem, causes before consequences, then a line that says whether the job is valid.

    Args:
        name: the file's name.
        text: the job as written.
        answer: the answer of ``POST /jobs/validate``.
    """
    places = find_places(text)
    lines = [_line(name, places, problem) for problem in answer["problems"]]
    return [*lines, f"{name}: {'valid' if answer['valid'] else 'not valid'}"]


def _line(name: str, places: Mapping[str, Place], problem: Mapping[str, Any]) -> str:
    line, column = _place_of(problem["pointer"], places)
    step = f"step {problem['path']}: " if problem.get("path") else ""
    because = f" (because of step {problem['because']})" if problem.get("because") else ""
    return f"{name}:{line}:{column}: {problem['severity']}: {step}{problem['code']}: {problem['message']}{because}"


def _place_of(pointer: str, places: Mapping[str, Place]) -> Place:
    """The place of the value at `pointer`; for a missing field, the place of the nearest enclosing value."""
    while pointer not in places and pointer:
        pointer = pointer.rpartition("/")[0]
    return places.get(pointer, (1, 1))
