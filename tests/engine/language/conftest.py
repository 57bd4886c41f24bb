"""Evaluating one expression in a small job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from blocks.block import BudgetExceededError
from handler.engine import Conduit
from handler.engine.call import Budget
from handler.engine.language.meter import NoWorld
from handler.engine.language.tags import resolve

PARAMETERS = {
    "n": 5, "z": 0, "f": 2.5, "s": "abc", "t": True, "nil": None, "xs": [3, 1, 2], "e": [], "eo": {},
    "o": {"a": {"b": [10, 20, {"c": "deep"}]}, "First Name": "Ada", "_id": 7, "a.b": "dot", "class": "c", "größe": 3},
    "rows": [{"k": "b", "n": 2}, {"k": "a", "n": 1}, {"k": "b", "n": 1}],
}  # fmt: skip


class Clock(NoWorld):
    """A world with a stopped clock."""

    def now(self) -> float:
        return 1_795_719_600.25


def contexts(parameters: dict[str, Any] = PARAMETERS, **more: Any) -> dict[str, Any]:
    return {**Conduit.from_dict({"id": "j", "parameters": parameters, "variables": {"w": [1]}}).contexts, **more}


@pytest.fixture
def evaluate() -> Callable[..., Any]:
    """Returns the value of `{= text =}`; keywords are further names of the contexts."""

    def run(text: str, *, budget: int = 1 << 20, parameters: dict[str, Any] = PARAMETERS, **more: Any) -> Any:
        charge = Budget(budget, "the expression").charge
        return resolve(f"{{= {text} =}}", contexts(parameters, **more), charge, Clock())

    return run


@pytest.fixture
def refusal(evaluate: Callable[..., Any]) -> Callable[..., str]:
    """Returns the error message for `{= text =}`, which would be INVALID_ARGUMENT in a run."""

    def run(text: str, **options: Any) -> str:
        with pytest.raises(ValueError) as raised:  # noqa: PT011  # the caller checks the message
            evaluate(text, **options)
        return str(raised.value)

    return run


@pytest.fixture
def excess(evaluate: Callable[..., Any]) -> Callable[..., str]:
    """Returns the limit that `{= text =}` exceeds, which would be RESULT_LIMIT_EXCEED in a run."""

    def run(text: str, **options: Any) -> str:
        with pytest.raises(BudgetExceededError) as raised:
            evaluate(text, **options)
        return str(raised.value)

    return run
