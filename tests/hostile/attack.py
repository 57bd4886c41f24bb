"""What an attack is: what is sent, to which door, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Door = Literal["http", "queue", "direct", "validate", "event"]
"""``validate`` is `POST /jobs/validate`; ``event`` is an event of Lambda that the function does not take."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What an attack may cost.

    Attributes:
        seconds: of wall time.
        megabytes: by which the peak of the process's memory may grow.
    """

    seconds: float
    megabytes: float


RUN = Budget(2.0, 64.0)
VALIDATE = Budget(1.0, 32.0)


@dataclass(frozen=True, slots=True)
class Attack:
    """One thing that a stranger may send.

    Attributes:
        name: says what it is.
        door: which way it comes in.
        make: gives what is sent: a job, the bytes of a body, or an event; for ``http``, a `(method, target, body)`.
    """

    name: str
    door: Door
    make: Callable[[], Any]

    @property
    def budget(self) -> Budget:
        return VALIDATE if self.door == "validate" else RUN
