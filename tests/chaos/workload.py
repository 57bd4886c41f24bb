"""The jobs of the chaos run, and the blocks they call: one of each effect, each start of which goes to the ledger.

A job adds up: each step that counts takes the total of the one before by a tag and raises a variable, so that a step
that went on from a wrong state ends with a wrong number.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import dataclass
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
    job.variables["count"] = job.variables.get("count", 0) + 1
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


@dataclass(frozen=True, slots=True)
class Sent:
    """A job that was sent, and what must come of it.

    Attributes:
        payload: the job.
        totals: of each step that counts, by its id: its total and its count.
    """

    payload: dict[str, Any]
    totals: dict[str, tuple[int, int]]

    @property
    def body(self) -> str:
        return json.dumps(self.payload)


def _call(random: Random) -> dict[str, Any]:
    """The parameters of a call of the service, with a name that no other step's call has."""
    return {"url": os.environ[SERVICE], "query": {"call": f"{random.getrandbits(64):x}"}, "keep": ["body.key"]}


def random_job(random: Random, job_id: str | None) -> Sent:
    """A job of 3 to 10 steps. One in ten takes longer than an invocation, so that it is handed over cleanly, too."""
    long = random.random() < 0.1
    steps: list[dict[str, Any]] = []
    totals: dict[str, tuple[int, int]] = {}
    total, before = 0, "0"
    for index in range(random.randint(5, 7) if long else random.randint(3, 10)):
        step_id = f"s{index}"
        seconds = round(random.uniform(0.6, 0.9) if long else random.uniform(0, 0.1), 3)
        kind = random.choice(("ADD", "ADD", "CHARGE", "CHARGE", "FIRE", "POST"))
        if kind == "POST":
            steps.append({"id": step_id, "action": "HTTP.REQUEST", "parameters": _call(random)})
            continue
        if kind == "FIRE":
            parameters: dict[str, Any] = {"seconds": seconds}
        else:
            amount = random.randint(1, 9)
            parameters = {"amount": amount, "before": before, "seconds": seconds}
            total += amount
            before = f"{{: {step_id}.total :}}"
            totals[step_id] = (total, len(totals) + 1)
        steps.append(
            {"id": step_id, "action": f"CHAOS.{kind}", "parameters": parameters, "allow_failure": kind == "FIRE"}
        )
    named = {"id": job_id} if job_id is not None else {}
    return Sent({**named, "name": "chaos", "steps": steps}, totals)
