"""Absurd expressions: each ends in a value or in an error message, within its budget."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from random import Random
from typing import Any

import pytest

from blocks.block import BudgetExceededError
from handler.engine import Conduit
from handler.engine.call import Budget
from handler.engine.language.conditions import is_constant, is_mixed, mixed_condition
from handler.engine.language.look_alikes import find_look_alikes
from handler.engine.language.tags import parse, resolve
from handler.engine.values import keep
from tests.engine.language.generator import make_expression

NUMBER = int(os.environ.get("EXPRESSIONS", "2000"))
SECONDS, MEMORY = 0.05, 16 << 20
JOB = {
    "parameters": {"n": 5, "xs": [3, 1, 2], "s": "abc" * 50, "o": {"a": {"b": [1]}}, "big": 10**4000},
    "variables": {"w": [1, "x", None]},
    "steps": [{"id": "a", "action": "LOGIC.TRUE"}],
}


@pytest.mark.parametrize("seed", range(0, NUMBER, 500))
def test_an_expression_ends_in_a_value_or_in_a_message(seed: int) -> None:
    contexts = Conduit.from_dict(JOB).contexts
    before = json.dumps(JOB)
    for number in range(seed, min(NUMBER, seed + 500)):
        text = f"{{= {make_expression(Random(number))} =}}"  # noqa: S311  # not a secret
        outcome = _outcome(text, contexts)
        if not isinstance(outcome, str):
            keep(outcome[0], 32)
        find_look_alikes(text)
        is_constant(text)
        if is_mixed(text):
            assert mixed_condition(parse(text), text)
    assert json.dumps(JOB) == before


def _outcome(text: str, contexts: Any) -> tuple[Any] | str:
    try:
        return (resolve(text, contexts, Budget(1 << 20, "it").charge),)
    except (ValueError, BudgetExceededError) as error:
        return str(error)


@pytest.mark.skipif("EXPRESSIONS" not in os.environ, reason="run by make fuzz-expressions: it measures time and memory")
def test_no_expression_takes_long_or_much() -> None:
    contexts = Conduit.from_dict(JOB).contexts
    slow, large = list[str](), list[str]()
    for number in range(NUMBER):
        text = f"{{= {make_expression(Random(number))} =}}"  # noqa: S311  # as above
        began = time.process_time()
        _outcome(text, contexts)
        if time.process_time() - began > SECONDS / 2:  # once more, in case the machine was busy
            began = time.process_time()
            _outcome(text, contexts)
            if time.process_time() - began > SECONDS:
                slow.append(text)
            tracemalloc.start()
            _outcome(text, contexts)
            if tracemalloc.get_traced_memory()[1] > MEMORY:
                large.append(text)
            tracemalloc.stop()
    assert (slow, large) == ([], [])
