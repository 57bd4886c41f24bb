"""From which stored workflow a job comes."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """Which workflow a job comes from.

    Attributes:
        workflow: its name.
        version: the number of the version that the job keeps.
        digest: of what was sent, by which the same request is known again; ``None`` where the id alone decides.
    """

    workflow: str
    version: int
    digest: str | None

    @property
    def text(self) -> str:
        """As the job's record has it."""
        return json.dumps({"name": self.workflow, "version": self.version}, separators=(",", ":"))
