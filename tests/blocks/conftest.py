"""The arguments of a block without an engine: a call that counts charges, a job with variables, and a registry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from blocks.block import REGISTRY, BudgetExceededError, Registry
from handler.engine.isolation import run_isolated

if TYPE_CHECKING:
    from collections.abc import Callable

    from blocks.block import Block


@dataclass
class CountingCall:
    """`blocks.block.Call` with a budget of bytes."""

    budget: float = math.inf
    charged: int = 0
    cost: int = 0
    isolated: int = 0
    time_left: float = math.inf
    path: str = "1"
    limit_left: float = math.inf
    timeout: float | None = None
    idempotency_key: str = "local/test/1/1"
    fence: int = 1

    def charge(self, size: int, cost: int | None = None) -> None:
        if self.charged + size > self.budget:
            raise BudgetExceededError(f"{self.charged + size} bytes; the limit is {self.budget}")
        self.charged += size
        self.cost += size if cost is None else cost

    def isolate(self, function: Callable[[], Any]) -> Any:
        self.isolated += 1
        return run_isolated(function, {}, 30)


@dataclass
class World:
    """The clock and the random bytes of a run."""

    now: float = 1795719600.0
    """2026-11-26T19:00:00Z."""
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311  # the same sequence each time

    def clock(self) -> float:
        return self.now

    def entropy(self, size: int) -> bytes:
        return self.random.randbytes(size)


class RateService:
    """`blocks.http.Client` that always gives the same answer."""

    def send(self, **_: Any) -> dict[str, Any]:
        return {"status": 200, "headers": {}, "body": {"base": "EUR", "rates": {"USD": 1.08, "GBP": 0.83}}}


@dataclass
class PlainJob:
    """`blocks.block.Job` with a dictionary of variables."""

    id: str | None = "test"
    name: str | None = None
    tags: frozenset[str] = frozenset()
    variables: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def call() -> CountingCall:
    """A call without a limit, unless a test sets `budget`."""
    return CountingCall()


@pytest.fixture
def job() -> PlainJob:
    return PlainJob()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def run(call: CountingCall, job: PlainJob, world: World) -> Callable[..., Any]:
    """Validates the parameters of an action as a step does, calls the block and returns its result."""

    def run_action(action: str, /, **parameters: Any) -> Any:
        block = REGISTRY.get(action)
        assert block is not None, action
        return block(*_positionals(block, call, job, world), **block.validate(parameters))

    return run_action


@pytest.fixture
def change(call: CountingCall, job: PlainJob, world: World) -> Callable[..., Any]:
    """Runs an in-place action, whose result must be null, and returns its changed argument."""

    def run_action(action: str, /, **parameters: Any) -> Any:
        block = REGISTRY.get(action)
        assert block is not None, action
        arguments = block.validate(parameters)
        assert block(*_positionals(block, call, job, world), **arguments) is None
        (changed,) = block.in_place
        return arguments[changed]

    return run_action


@pytest.fixture
def registry() -> Registry:
    return Registry()


def _positionals(block: Block[..., Any], call: CountingCall, job: PlainJob, world: World) -> list[Any]:
    values = {"call__": call, "job__": job, "clock__": world.clock, "entropy__": world.entropy, "http__": RateService()}
    return [values[name] for name in block.positional]
