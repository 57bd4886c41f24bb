"""Who sends a job, and what they may do."""

from __future__ import annotations

import json
from dataclasses import dataclass

from handler.engine.limits import PAYLOAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A tenant with rights, as the identity of a request or the configuration of a queue gives them.

    Attributes:
        tenant: whose jobs these are.
        principal: who within the tenant, as the authorizer verified it; ``None`` where nobody did (queue, direct).
        tags: what the jobs may use blocks with.
        step_limit: how many steps of a job run, or ``None`` for all.
        payload_limit: bytes of a payload.
        max_running_jobs: unfinished jobs of the tenant at once, or ``None`` for any number.
    """

    tenant: str
    principal: str | None = None
    tags: frozenset[str] = frozenset()
    step_limit: int | None = None
    payload_limit: int = PAYLOAD
    max_running_jobs: int | None = None

    @property
    def rights(self) -> Rights:
        """What a job is accepted with, and keeps."""
        return Rights(self.tags, self.step_limit)


@dataclass(frozen=True, slots=True)
class Rights:
    """What a job may do: stored beside the payload, so that a job resumed by the queue has its sender's rights."""

    tags: frozenset[str]
    step_limit: int | None

    def encode(self) -> str:
        """As canonical JSON."""
        return json.dumps({"step_limit": self.step_limit, "tags": sorted(self.tags)}, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> Rights:
        """The rights that `encode` wrote."""
        fields = json.loads(text)
        return cls(frozenset(fields["tags"]), fields["step_limit"])

    def include(self, others: Rights) -> bool:
        """Whether these rights include the others."""
        enough = self.step_limit is None or (others.step_limit is not None and others.step_limit <= self.step_limit)
        return self.tags >= others.tags and enough
