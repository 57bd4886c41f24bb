"""Who put a schedule or a hook, and with which rights. Its jobs have these rights, whatever a message says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handler.caller import Caller, Rights
from handler.settings import Settings


@dataclass(frozen=True, slots=True)
class Author:
    """The caller who put something last.

    Attributes:
        rights: what the caller's jobs may do.
        principal: who it was within the tenant; ``None`` where none was verified.
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
        """As JSON."""
        return {"rights": self.rights.encode(), "principal": self.principal}

    def caller(self, tenant: str, settings: Settings) -> Caller:
        """The caller in whose name a job is started now; limits come from the deployment as it is now."""
        return Caller(
            tenant=tenant,
            principal=self.principal,
            tags=self.rights.tags,
            step_limit=self.rights.step_limit,
            payload_limit=settings.payload_limit,
            max_running_jobs=settings.max_running_jobs,
        )
