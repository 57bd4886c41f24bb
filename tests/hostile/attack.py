"""An attack: what is sent, the door it is sent to, and its budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Door = Literal["http", "queue", "direct", "validate", "event"]
"""``validate`` is `POST /jobs/validate`; ``event`` is an event of Lambda that the function does not accept."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of an attack's cost.

    Attributes:
        seconds: of wall time.
        megabytes: growth of the process's peak memory.
    """

    seconds: float
    megabytes: float


RUN = Budget(2.0, 64.0)
VALIDATE = Budget(1.0, 32.0)


@dataclass(frozen=True, slots=True)
class Attack:
    """One thing that a stranger may send.

    Attributes:
        name: a description.
        door: the door it is sent to.
        make: returns what is sent: a job, the bytes of a body, or an event; for ``http``, a `(method, target, body)`.
    """

    name: str
    door: Door
    make: Callable[[], Any]

    @property
    def budget(self) -> Budget:
        return VALIDATE if self.door == "validate" else RUN
