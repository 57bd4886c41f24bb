"""Finds the steps of a job that can be answered, and their state according to the records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.jobs.records import StepRecord


@dataclass(frozen=True, slots=True)
class AskedStep:
    """A written step that waits for an answer.

    Attributes:
        fields: the fields of its ``wait_for``.
        passed: whether the job took another branch, so that the step will never run.
    """

    fields: Mapping[str, Any]
    passed: bool


class Steps:
    """The written steps of a job together with its records.

    Args:
        written: the accepted payload.
        records: the records that count, in order.
    """

    def __init__(self, written: Mapping[str, Any], records: Sequence[StepRecord]) -> None:
        self._written = written
        self._ended = {record.path: record for record in records if record.phase != "open"}
        self._opened = {record.path: record for record in records if record.phase == "open"}

    def record_of(self, path: str) -> StepRecord | None:
        """The record of a step that has ended."""
        return self._ended.get(path)

    def find(self, path: str) -> AskedStep | None:
        """The `wait_for` step at that path, or ``None`` if it does not exist or its loop is not open."""
        return self._find(self._written.get("steps") or (), path.split("."), "", passed=False, top=True)

    def _find(
        self, steps: Sequence[Mapping[str, Any]], parts: list[str], prefix: str, *, passed: bool, top: bool
    ) -> AskedStep | None:
        for index, step in enumerate(steps):
            id_ = str(index + 1) if top and step.get("id") is None else str(step.get("id"))
            if id_ == parts[0]:
                if len(parts) == 1 and step.get("wait_for") is not None:
                    return AskedStep(step["wait_for"], passed)
                found = self._find_in_loop(step, prefix + id_, parts)
                if found is not None:
                    return found
            for inner, is_passed in self._lists_of(step, prefix + id_):
                found = self._find(inner, parts, prefix, passed=passed or is_passed, top=False)
                if found is not None:
                    return found
        return None

    def _find_in_loop(self, step: Mapping[str, Any], path: str, parts: list[str]) -> AskedStep | None:
        """The step at that path in an item of a loop, if the loop has begun."""
        opened = self._opened.get(path)
        if len(parts) < 3 or opened is None or not step.get("do"):  # noqa: PLR2004  # loop, item, step
            return None
        number = parts[1]
        if not (number.isascii() and number.isdigit()) or str(int(number[:9])) != number:
            return None
        count = json.loads(opened.opened or "{}").get("count", step.get("max"))
        if count is None or int(number) >= count:
            return None
        is_over = path in self._ended
        found = self._find(step["do"], parts[2:], f"{path}.{number}.", passed=is_over, top=False)
        if found is not None and is_over and ".".join([path, *parts[1:]]) not in self._ended:
            return None
        return found

    def _lists_of(self, step: Mapping[str, Any], path: str) -> Iterator[tuple[Sequence[Mapping[str, Any]], bool]]:
        """The lists of steps in a choice or a try, and for each whether the job has skipped it."""
        record = self._ended.get(path)
        if step.get("choose") is not None:
            taken = json.loads(record.result or "null") if record is not None else None
            branch = taken.get("branch") if isinstance(taken, dict) else None
            for index, written in enumerate(step["choose"]):
                yield written.get("do") or (), record is not None and branch != index
            yield step.get("else") or (), record is not None and branch != "else"
        elif step.get("try") is not None:
            for name in ("try", "catch"):
                yield step.get(name) or (), record is not None
