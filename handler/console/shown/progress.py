"""Chooses the rows of a job's table while it runs: top-level steps, and the steps of a loop's current item."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from handler.console.shown.job_text import shorten, step_cells

_INSIDE: Final = re.compile(r"(?P<loop>[^.]+)\.(?P<item>\d+)\b")
_PASSED: Final = frozenset({"DONE", "IF_CONDITION_FAILED", "SKIPPED"})


class Progress:
    """The steps of one job that are known so far.

    Args:
        written: the job's written steps.
    """

    def __init__(self, written: Sequence[Any]) -> None:
        self._ended: dict[int, Mapping[str, Any]] = {}
        self._newest: dict[str, int] = {}
        self._waiting = {
            str(step.get("id") or place) if isinstance(step, dict) else str(place): _kind_of(step)
            for place, step in enumerate(written, start=1)
        }

    def add(self, step: Mapping[str, Any]) -> None:
        """Add a step that has ended."""
        path = _path(step)
        self._ended[step["position"]] = step
        self._waiting.pop(path, None)
        if inside := _INSIDE.match(path):
            self._newest[inside["loop"]] = max(int(inside["item"]), self._newest.get(inside["loop"], 0))

    def complete(self, job: Mapping[str, Any]) -> None:
        """Add the data of the finished job: the numbers of each loop's items."""
        for step in job["steps"]:
            if step.get("items") and step["position"] in self._ended:
                self._ended[step["position"]] = step

    def rows(self) -> list[tuple[str, ...]]:
        """The rows to show, in order. The running step is marked."""
        rows = [step_cells(step) for _, step in sorted(self._ended.items()) if self._is_shown(step)]
        position = max(self._ended, default=0)
        for place, (name, kind) in enumerate(self._waiting.items(), start=1):
            running = place == 1 and bool(self._ended)
            item = f"item {self._newest[name]}" if name in self._newest else ""
            state = "RUNNING" if running else ""
            rows.append((str(position + place), shorten(name), shorten(kind), state, "", "", item))
        return rows

    def _is_shown(self, step: Mapping[str, Any]) -> bool:
        """Whether a step is shown: always at the top level; in a loop, if it failed or is in the current item."""
        inside = _INSIDE.match(_path(step))
        if inside is None or step["status"]["name"] not in _PASSED:
            return True
        return inside["loop"] in self._waiting and int(inside["item"]) == self._newest[inside["loop"]]


def _path(step: Mapping[str, Any]) -> str:
    return str(step.get("path") or step["id"])


def _kind_of(step: Any) -> str:
    known = step if isinstance(step, dict) else {}
    kinds = [kind for kind in ("for_each", "while", "choose", "try", "set", "end", "wait", "wait_for") if kind in known]
    return kinds[0].upper() if kinds else str(known.get("action", "?"))
