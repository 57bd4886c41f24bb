"""The jobs of the chaos run, and the blocks they call: one of each effect, each start of which goes to the ledger.

A job adds up: each step that counts takes the total of the one before by a tag and raises a variable, so that a step
that went on from a wrong state ends with a wrong number.
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
"""Where jobs find the address of the service that they call."""
chaos = Category("CHAOS")
BLOCK_SECONDS = 1.5
"""Declared for each block, so that none is begun that its invocation has no time for: hand-overs repeat nothing."""


def _act(job: Job, call: Call, effect: str, amount: int, before: int, seconds: float) -> dict[str, Any]:
    """Begin, be counted, end: a kill may come before or after the effect."""
    token = uuid.uuid4().hex
    time.sleep(seconds / 2)  # what takes real time in a real process
    note("execution", key=call.idempotency_key, fence=call.fence, effect=effect, token=token)
    time.sleep(seconds / 2)
    job.variables["count"] += 1
    job.variables["total"] = before + amount
    return {"total": before + amount, "token": token, "fence": call.fence, "count": job.variables["count"]}


@chaos.block(effect="at_least_once", timeout=BLOCK_SECONDS)
def charge(job__: Job, call__: Call, *, amount: int, before: int, seconds: float) -> dict[str, Any]:
    """An effect that may happen again when nobody knows whether it did."""
    return _act(job__, call__, "at_least_once", amount, before, seconds)


@chaos.block(effect="none", timeout=BLOCK_SECONDS)
def add(job__: Job, call__: Call, *, amount: int, before: int, seconds: float) -> dict[str, Any]:
    """No effect but the line in the ledger."""
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
        total: what a step that counts must give: the total and the count.
        call: what the service calls the step's call.
        result: of a step that is no block's.
    """

    path: str
    action: str
    is_open: bool = False
    total: tuple[int, int] | None = None
    call: str | None = None
    result: Any = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A job that was sent, and what must come of it.

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
    """A job of 3 to 10 steps. One in ten takes longer than an invocation, so that it is handed over cleanly, too."""
    long = random.random() < 0.1
    writer = _Writer(random, (0.6, 0.9) if long else (0.0, 0.1))
    steps = [writer.step(f"s{index}") for index in range(random.randint(5, 7) if long else random.randint(3, 10))]
    named = {"id": job_id} if job_id is not None else {}
    variables = {"count": 0, "total": 0}
    return Sent({**named, "name": "chaos", "variables": variables, "steps": steps}, writer.expected)


KINDS = ("ADD", "ADD", "ADD", "CHARGE", "CHARGE", "CHARGE", "FIRE", "FIRE", "POST", "POST", "loop", "route", "wait")
"""Of steps; each comes as often as it is named."""


@dataclass(slots=True)
class _Writer:
    """Writes steps, and what must be recorded of them.

    Attributes:
        random: decides.
        pace: seconds that a block takes, from and to.
        total, count: what the variables are where the next step begins.
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
        """A loop whose items count, and call the service."""
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
        """A choice by a variable that its own branch changes."""
        odd = self.count % 2 == 1
        self._expect(step_id, "CHOOSE", result={"branch": 0 if odd else "else"})
        self._add(f"{step_id}{'o' if odd else 'e'}", "CHARGE" if odd else "ADD", 1 if odd else 2)
        return {
            "id": step_id,
            "choose": [{"if": "{= variables.count % 2 == 1 =}", "do": [self._counting(f"{step_id}o", "CHARGE", 1)]}],
            "else": [self._counting(f"{step_id}e", "ADD", 2)],
        }

    def _wait(self, step_id: str) -> dict[str, Any]:
        """A short one is slept, a long one gives the invocation back."""
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
        """A name that no other step's call has."""
        return f"{self.random.getrandbits(64):x}"
