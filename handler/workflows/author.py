"""The author of a schedule or a hook, whose rights its jobs have. Messages cannot change these rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handler.caller import Caller, Rights
from handler.settings import Settings


@dataclass(frozen=True, slots=True)
class Author:
    """The last caller who stored a schedule or a hook.

    Attributes:
        rights: the rights of the caller's jobs.
        principal: the person or program within the tenant; ``None`` if none was verified.
    """

    rights: Rights
    principal: str | None

    @classmethod
    def of(cls, caller: Caller) -> Author:
        return cls(caller.rights, caller.principal)

    @classmethod
    def decode(cls, fields: Any) -> Author:
        """The author that `encode` wrote."""
        return cls(Rights.decode(fields["rights"]), fields["principal"])

    def encode(self) -> dict[str, Any]:
        """Return the author as JSON."""
        return {"rights": self.rights.encode(), "principal": self.principal}

    def caller(self, tenant: str, settings: Settings) -> Caller:
        """The caller for a job that starts now, with the deployment's current limits."""
        return Caller(
            tenant=tenant,
            principal=self.principal,
            tags=self.rights.tags,
            step_limit=self.rights.step_limit,
            payload_limit=settings.payload_limit,
            max_running_jobs=settings.max_running_jobs,
        )
