"""Measures one attack in its own process."""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict, dataclass

from tests.hostile.attack import Attack
from tests.hostile.strike import strike

UNITS_IN_KILOBYTE = 1 if sys.platform.startswith("linux") else 1024
"""`ru_maxrss` is in kilobytes on Linux, and in bytes on macOS."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The outcome and the cost of an attack.

    Attributes:
        outcome: the answer, in a few words.
        held: whether it is an outcome that a stranger may cause.
        seconds: CPU time of the process and those that it started. Wall time would include the machine's other work;
            nothing in these attacks sleeps.
        megabytes: growth of the process's peak memory.
    """

    outcome: str
    held: bool
    seconds: float
    megabytes: float


def measure_in_child(attack: Attack) -> Measured:
    """Fork, run the attack there, and return the measurement. The parent has already loaded all code."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the handler logs to it
        with os.fdopen(write, "w") as out:
            out.write(json.dumps(asdict(_measure(attack))))
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        written = answer.read()
    os.waitpid(child, 0)
    return Measured(**json.loads(written)) if written else Measured("the process died", False, 0.0, 0.0)


def _measure(attack: Attack) -> Measured:
    sent = attack.make()
    before = _peak()
    started = _seconds()
    try:
        outcome, held = strike(attack, sent), True
    except BaseException as error:  # noqa: BLE001  # any error of the handler is a finding
        outcome, held = f"{type(error).__name__}: {error}"[:300], False
    return Measured(outcome, held, _seconds() - started, (_peak() - before) / 1024)


def _seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNITS_IN_KILOBYTE
