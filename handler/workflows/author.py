"""Who stored a schedule or a hook, and with which rights. Its jobs have these rights; messages cannot change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handler.caller import Caller, Rights
from handler.settings import Settings


@dataclass(frozen=True, slots=True)
class Author:
    """The last caller who stored something.

    Attributes:
        rights: what the caller's jobs may do.
        principal: the person or program within the tenant; ``None`` if none was verified.
    """

    rights: Rights
    principal: str | None

    @classmethod
    def of(cls, caller: Caller) -> Author:
        return cls(caller.rights, caller.principal)

    @classmethod
    def decode(cls, fields: Any) -> Author:
        """Read what `encode` wrote."""
        return cls(Rights.decode(fields["rights"]), fields["principal"])

    def encode(self) -> dict[str, Any]:
        """As JSON."""
        return {"rights": self.rights.encode(), "principal": self.principal}

    def caller(self, tenant: str, settings: Settings) -> Caller:
        """The caller for a job that starts now, with the limits that the deployment has now."""
        return Caller(
            tenant=tenant,
            principal=self.principal,
            tags=self.rights.tags,
            step_limit=self.rights.step_limit,
            payload_limit=settings.payload_limit,
            max_running_jobs=settings.max_running_jobs,
        )
