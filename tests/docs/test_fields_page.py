"""The table of a job's fields contains the fields that the engine reads."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Retry
from handler.engine.flow.written import ACTIONS
from handler.engine.poll import Poll
from handler.payload.fields import JOB, KINDS
from handler.payload.groups import BRANCH, POLL, RETRY, TOLERATE, WAIT, WAIT_FOR
from handler.payload.values import RETRIED

FOR_THE_DOOR = {"form", "not_sender"}
"""Fields of a question that ``handler.jobs`` checks: the form of an answer and who may give it."""


def test_the_engine_knows_the_kinds_of_the_table_by_the_same_actions() -> None:
    known = {kind.key: kind.action for kind in KINDS.values() if kind.action is not None}
    assert known == {key: action for key, action in ACTIONS.items() if key != "output"}


def test_the_engine_names_every_field_of_a_step() -> None:
    """A field that only the table contained would be accepted and ignored."""
    files = (Path(__file__).resolve().parents[2] / "handler" / "engine").rglob("*.py")
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    named = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    fields = {name for kind in KINDS.values() for name in kind.fields}
    groups = {name for group in (BRANCH, POLL, RETRY, TOLERATE, WAIT, WAIT_FOR) for name in group.fields}
    assert fields | groups <= named | FOR_THE_DOOR


def test_the_engine_takes_every_field_of_a_retry_and_has_its_defaults() -> None:
    defaults = {name: one.default for name, one in RETRY.fields.items()}
    assert Retry.from_dict(defaults) == Retry.from_dict({}) == Retry()
    assert all(name in ConduitStatus.__members__ for name in RETRIED)
    with pytest.raises(ValueError, match="nope"):
        Retry.from_dict({"nope": 1})


def test_the_engine_takes_every_field_of_a_poll_and_no_other() -> None:
    values: dict[str, Any] = {"until": "{= result =}", "every": 1, "max": 2}
    assert values.keys() == POLL.fields.keys()
    Poll.from_dict(values)


def test_the_engine_takes_every_field_of_a_job_that_is_not_for_the_door() -> None:
    for_the_door = {"$schema", "local_values"}
    values = {"id": "a", "name": "n", "timeout": 5.0, "parameters": {}, "variables": {}, "steps": [], "output": 1}
    assert values.keys() | for_the_door == JOB.fields.keys()
    Conduit.from_dict(values)
