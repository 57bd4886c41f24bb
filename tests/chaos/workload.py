"""The jobs of the chaos run, and the blocks they call: one for each kind of effect. Each start goes to the ledger.

A job adds up numbers: each counting step reads the total of the previous one by a tag and increments a variable, so a
step that continued from a wrong state ends with a wrong number.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import dataclass, field
from random import Random
from typing import Any

from blocks.block import Call, Category, Job
from tests.chaos.ledger import note

SERVICE = "CHAOS_SERVICE"
"""The variable with the address of the service that jobs call."""
chaos = Category("CHAOS")
BLOCK_SECONDS = 1.5
"""Declared for each block, so that none begins without enough time in its invocation: hand-overs repeat nothing."""


def _act(job: Job, call: Call, effect: str, amount: int, before: int, seconds: float) -> dict[str, Any]:
    """Begin, count the effect, end: a kill may come before or after the effect."""
    token = uuid.uuid4().hex
    time.sleep(seconds / 2)  # a kill needs some real time to hit
    note("execution", key=call.idempotency_key, fence=call.fence, effect=effect, token=token)
    time.sleep(seconds / 2)
    job.variables["count"] += 1
    job.variables["total"] = before + amount
    return {"total": before + amount, "token": token, "fence": call.fence, "count": job.variables["count"]}


@chaos.block(effect="at_least_once", timeout=BLOCK_SECONDS)
def charge(job__: Job, call__: Call, *, amount: int, before: int, seconds: float) -> dict[str, Any]:
    """An effect that may be repeated if it is unknown whether it happened."""
    return _act(job__, call__, "at_least_once", amount, before, seconds)


@chaos.block(effect="none", timeout=BLOCK_SECONDS)
def add(job__: Job, call__: Call, *, amount: int, before: int, seconds: float) -> dict[str, Any]:
    """No effect except the line in the ledger."""
    return _act(job__, call__, "none", amount, before, seconds)


@chaos.block(effect="at_most_once", timeout=BLOCK_SECONDS)
def fire(call__: Call, *, seconds: float) -> str:
    """An effect that must never happen twice."""
    token = uuid.uuid4().hex
    time.sleep(seconds / 2)
    note("execution", key=call__.idempotency_key, fence=call__.fence, effect="at_most_once", token=token)
    time.sleep(seconds / 2)
    return token


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A record that a job must have.

    Attributes:
        path: of the step.
        action: its kind.
        is_open: whether it is the first of the two records of a loop.
        total: the total and the count in the result of a counting step.
        call: the service's name for the step's call.
        result: of a step without a block.
    """

    path: str
    action: str
    is_open: bool = False
    total: tuple[int, int] | None = None
    call: str | None = None
    result: Any = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A job that was sent, and its expected records.

    Attributes:
        payload: the job.
        expected: its records, in order.
    """

    payload: dict[str, Any]
    expected: list[Expected]

    @property
    def body(self) -> str:
        return json.dumps(self.payload)


def random_job(random: Random, job_id: str | None) -> Sent:
    """A job of 3 to 10 steps. One in ten takes longer than an invocation, so it is also handed over cleanly."""
    long = random.random() < 0.1
    writer = _Writer(random, (0.6, 0.9) if long else (0.0, 0.1))
    steps = [writer.step(f"s{index}") for index in range(random.randint(5, 7) if long else random.randint(3, 10))]
    named = {"id": job_id} if job_id is not None else {}
    variables = {"count": 0, "total": 0}
    return Sent({**named, "name": "chaos", "variables": variables, "steps": steps}, writer.expected)


KINDS = ("ADD", "ADD", "ADD", "CHARGE", "CHARGE", "CHARGE", "FIRE", "FIRE", "POST", "POST", "loop", "route", "wait")
"""Kinds of steps; one that is listed twice is twice as frequent."""


@dataclass(slots=True)
class _Writer:
    """Writes steps and their expected records.

    Attributes:
        random: makes all choices.
        pace: the least and the most seconds that a block takes.
        total, count: the variables when the next step begins.
    """

    random: Random
    pace: tuple[float, float]
    expected: list[Expected] = field(default_factory=list)
    total: int = 0
    count: int = 0

    def step(self, step_id: str) -> dict[str, Any]:
        match self.random.choice(KINDS):
            case "loop":
                return self._loop(step_id)
            case "route":
                return self._choice(step_id)
            case "wait":
                return self._wait(step_id)
            case "FIRE":
                self._expect(step_id, "CHAOS.FIRE")
                parameters = {"seconds": self._seconds()}
                return {"id": step_id, "action": "CHAOS.FIRE", "parameters": parameters, "allow_failure": True}
            case "POST":
                call = self._call_name()
                self._expect(step_id, "HTTP.REQUEST", call=call)
                return self._post(step_id, call)
            case kind:
                amount = self.random.randint(1, 9)
                self._add(step_id, kind, amount)
                return self._counting(step_id, kind, amount)

    def _loop(self, step_id: str) -> dict[str, Any]:
        """A loop whose items count and call the service."""
        amounts = [self.random.randint(1, 9) for _ in range(self.random.randint(0, 4))]
        kind, call = self.random.choice(("ADD", "CHARGE")), self._call_name()
        self._expect(step_id, "FOR_EACH", is_open=True)
        for index, amount in enumerate(amounts):
            self._add(f"{step_id}.{index}.{step_id}a", kind, amount)
            self._expect(f"{step_id}.{index}.{step_id}p", "HTTP.REQUEST", call=f"{call}-{index}")
        self._expect(step_id, "FOR_EACH")
        do = [
            self._counting(f"{step_id}a", kind, "{% amount %}"),
            self._post(f"{step_id}p", f"{call}-{{% loop.index %}}"),
        ]
        return {"id": step_id, "for_each": amounts, "as": "amount", "do": do}

    def _choice(self, step_id: str) -> dict[str, Any]:
        """A choice by a variable that the chosen branch changes."""
        odd = self.count % 2 == 1
        self._expect(step_id, "CHOOSE", result={"branch": 0 if odd else "else"})
        self._add(f"{step_id}{'o' if odd else 'e'}", "CHARGE" if odd else "ADD", 1 if odd else 2)
        return {
            "id": step_id,
            "choose": [{"if": "{= variables.count % 2 == 1 =}", "do": [self._counting(f"{step_id}o", "CHARGE", 1)]}],
            "else": [self._counting(f"{step_id}e", "ADD", 2)],
        }

    def _wait(self, step_id: str) -> dict[str, Any]:
        """A wait: the invocation sleeps through a short one, and ends for a long one."""
        self._expect(step_id, "WAIT")
        return {"id": step_id, "wait": {"seconds": self.random.choice((0.1, 5.5))}}

    def _counting(self, step_id: str, kind: str, amount: int | str) -> dict[str, Any]:
        parameters = {"amount": amount, "before": "{# total #}", "seconds": self._seconds()}
        return {"id": step_id, "action": f"CHAOS.{kind}", "parameters": parameters}

    @staticmethod
    def _post(step_id: str, call: str) -> dict[str, Any]:
        parameters = {"url": os.environ[SERVICE], "query": {"call": call}, "keep": ["body.key"]}
        return {"id": step_id, "action": "HTTP.REQUEST", "parameters": parameters}

    def _add(self, path: str, kind: str, amount: int) -> None:
        self.total += amount
        self.count += 1
        self._expect(path, f"CHAOS.{kind}", total=(self.total, self.count))

    def _expect(self, path: str, action: str, **facts: Any) -> None:
        self.expected.append(Expected(path=path, action=action, **facts))

    def _seconds(self) -> float:
        return round(self.random.uniform(*self.pace), 3)

    def _call_name(self) -> str:
        """A unique name for a step's call."""
        return f"{self.random.getrandbits(64):x}"
