"""The stored workflow that a job was started from."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The workflow that a job was started from.

    Attributes:
        workflow: its name.
        version: the number of the version that the job keeps.
        digest: a digest of the request, to recognise a repetition; ``None`` if the id alone decides.
    """

    workflow: str
    version: int
    digest: str | None

    @property
    def text(self) -> str:
        """The origin in the form for the job's record."""
        return json.dumps({"name": self.workflow, "version": self.version}, separators=(",", ":"))
