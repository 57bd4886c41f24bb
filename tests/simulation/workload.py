"""The jobs of the simulation and the blocks they call.

Each result holds the token of the previous one, so that mixed records of different executions are noticed.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from blocks.block import REGISTRY, Block, Call, Category, Job, Registry
from handler.engine.alarm.alarm import StepTimeout
from tests.simulation.profiles import Profile
from tests.simulation.scheduler import Scheduler, Yield

own = Registry()
sim = Category("SIM", registry=own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One start of a block, as it sees itself.

    Attributes:
        effect: of the block.
        key: its idempotency key: tenant, job, run, position.
        path: of its step.
        fence: of the claim.
        tags: of its job.
    """

    effect: str
    key: str
    path: str
    fence: int
    tags: frozenset[str]


class Stage(Protocol):
    """The world, in which blocks do their work."""

    async def execute(self, execution: Execution, seconds: float, kills: str, fails: str) -> dict[str, Any]:
        """Execute the block; returns the facts that only this execution has, including ``token``.

        Raises:
            SimulatedFailure: the block fails.
        """


class SimulatedFailure(Exception):  # noqa: N818 (its name is shown as the error's type)
    """The error that a block raises when it is to fail."""


async def _work(stage: Stage, job: Job, call: Call, effect: str, given: dict[str, Any]) -> dict[str, Any]:
    execution = Execution(effect=effect, key=call.idempotency_key, path=call.path, fence=call.fence, tags=job.tags)
    facts = await stage.execute(execution, given["seconds"], given["kills"], given["fails"])
    count = job.variables["count"] + 1
    job.variables["count"] = count
    previous = given["previous"]
    own = {"previous": previous["token"] if previous else None, "count": count, "variant": given["variant"]}
    if "echo" in given:  # the step is one of `tests.simulation.flows`
        own |= {"echo": given["echo"], "list": [f"{facts['token']}-{index}" for index in range(count % 3)]}
    return {**own, **facts}


@sim.block(effect="none")
async def pure(stage__: Stage, job__: Job, call__: Call, **given: Any) -> dict[str, Any]:
    return await _work(stage__, job__, call__, "none", given)


@sim.block(effect="at_least_once")
async def charge(stage__: Stage, job__: Job, call__: Call, **given: Any) -> dict[str, Any]:
    return await _work(stage__, job__, call__, "at_least_once", given)


@sim.block(effect="at_most_once")
async def once(stage__: Stage, job__: Job, call__: Call, **given: Any) -> dict[str, Any]:
    return await _work(stage__, job__, call__, "at_most_once", given)


@contextmanager
def registered_blocks() -> Iterator[None]:
    """Register these blocks in the deployment's registry while the simulation runs."""
    REGISTRY.load()
    blocks: list[Block[..., Any]] = list(own)
    for block in blocks:
        REGISTRY.add(block)
    try:
        yield
    finally:
        for block in blocks:
            REGISTRY._blocks.pop(block.action)


class Blocks(Registry):
    """The blocks of the simulation, and the shipped ones."""

    def get(self, action: str) -> Block[..., Any] | None:
        return super().get(action) or REGISTRY.get(action)


def registry(stage: Stage) -> Registry:
    """The blocks, with their world as the global value."""
    made = Blocks()
    for block in own:
        made.add(block)
    request = REGISTRY.get("HTTP.REQUEST")
    assert request is not None
    made.add(request)
    made.provide("stage", lambda: stage)
    return made


class SimulatedAlarm:
    """Stops a block at its limit, in simulated time."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], _: float) -> Any:
        """A plain function takes no time here."""
        return function(*args, **kwargs)

    async def wait(
        self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float
    ) -> Any:
        return await _Limited(function(*args, **kwargs), self._scheduler, self._scheduler.now + seconds)


@dataclass(frozen=True, slots=True)
class _Limited:
    """A block that is stopped at its next wait once its time is over."""

    block: Any
    scheduler: Scheduler
    until: float

    def __await__(self) -> Generator[Yield, None, Any]:
        try:
            while True:
                try:
                    token: Yield = self.block.send(None)
                except StopIteration as stop:
                    return stop.value
                left = self.until - self.scheduler.now
                in_time = token.seconds <= left
                yield token if in_time or token.stubborn else Yield(token.point, max(0.0, left), token.kills)
                if not in_time and self.scheduler.now > self.until:
                    raise StepTimeout
        finally:
            self.block.close()


def random_job(random: Random, job_id: str | None, profile: Profile, *, variant: str = "a") -> str:
    """A job as a user would send it, as JSON.

    Args:
        random: makes all choices.
        job_id: its id, if it has one.
        profile: what its steps are like.
        variant: a word that every result contains.
    """
    if random.random() < profile.brisk:
        steps = brisk_steps(random, profile)
    else:
        steps = [random_step(random, index, profile) for index in range(random.randint(1, 7))]
    if random.random() < profile.killer:
        step = random.choice(steps)
        step["action"] = "SIM.PURE"
        step["parameters"]["kills"] = random.choice(("dies", "dies", "hangs"))
    job: dict[str, Any] = {"parameters": {"variant": variant}, "variables": {"count": 0}, "steps": steps}
    if job_id is not None:
        job["id"] = job_id
    return json.dumps(job)


def brisk_steps(random: Random, profile: Profile) -> list[dict[str, Any]]:
    """Short steps, every other one with an effect: the job makes so many calls of the table in so little time that not
    every commit may take two."""
    steps = [random_step(random, index, profile) for index in range(random.randint(5, 12))]
    for index, step in enumerate(steps):
        step["action"] = f"SIM.{random.choice(('CHARGE', 'ONCE'))}" if index % 2 else "SIM.PURE"
        step["parameters"]["seconds"] = random.choice((0.0, 0.0, 0.0, 0.01, 0.3))
    return steps


def random_step(random: Random, index: int, profile: Profile) -> dict[str, Any]:
    step: dict[str, Any] = {
        "id": f"s{index}",
        "action": f"SIM.{random.choice(profile.actions)}",
        "parameters": {
            "previous": f"{{% steps.s{index - 1}.result %}}" if index else None,
            "seconds": random.choice((0.0, 0.01, 0.01, 0.1, 1.0, 4.0)),
            "fails": "first run" if random.random() < 0.12 else "always" if random.random() < 0.04 else "never",
            "kills": "no",
            "variant": "{< variant >}",
        },
    }
    if random.random() < profile.timed:
        step["timeout"] = 6
    if random.random() < 0.1:
        step["forced"] = True
    if random.random() < 0.05:
        step["if"] = False
    if random.random() < profile.retried:
        step["retry"] = {"attempts": random.choice((2, 6)), "delay": random.choice((0.1, 2.0, 30.0)), "backoff": 1}
    return step
