"""The runtime of one run."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from handler.engine import InvocationTime, Runtime


def test_the_world_of_a_run_differs_in_its_ends_alone() -> None:
    made: dict[str, Any] = {field.name: object() for field in fields(Runtime)}
    ends: dict[str, Any] = {"invocation": InvocationTime(ends_at=5.0), "job_ends_at": 1.0, "waits_end_by": 2.0}
    of_run = Runtime(**made).of_run(**ends)
    assert {name: getattr(of_run, name) for name in made} == {**made, **ends}
