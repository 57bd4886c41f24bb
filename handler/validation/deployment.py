"""The facts about a deployment that validation uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from handler.engine.limits import Limits
from handler.settings import Settings

LAST_DAYS: Final = 2
"""A wait must end at least this many days before the job's records expire."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The settings on which a job's waits and loops depend. With the defaults, nothing is refused.

    Attributes:
        has_callbacks: whether steps that wait for an answer have callback URLs.
        has_principals: whether callers of one tenant are distinguished. If not, a step with `not_sender` has no
            answerer.
        longest_wait: the longest wait in seconds, limited by the expiry of the job's records.
        items: the largest number of items of a loop.
        loop_records: the largest number of records of all loops of a job together.
    """

    has_callbacks: bool = True
    has_principals: bool = True
    longest_wait: float | None = None
    items: int = Limits().items
    loop_records: int = Limits().loop_records

    @classmethod
    def of(cls, settings: Settings) -> Deployment:
        """Make it from the settings."""
        return cls(
            has_callbacks=settings.public_routes and bool(settings.public_url),
            has_principals=settings.principal_claim != settings.tenant_claim,
            longest_wait=(settings.retention_days - LAST_DAYS) * 86_400.0,
            items=settings.items_limit,
            loop_records=settings.records_limit,
        )
