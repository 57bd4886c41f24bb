"""What is known of the deployment that a job would run in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from handler.engine.limits import Limits
from handler.settings import Settings

LAST_DAYS: Final = 2
"""Days before the expiry of a job's records in which no wait may end."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a job's waits and loops depend on. What is not known counts as right.

    Attributes:
        has_callbacks: whether steps that wait for an answer have URLs at which it can be given.
        has_principals: whether callers of one tenant are distinguished; if not, `not_sender` leaves nobody to answer.
        longest_wait: seconds after which a wait would end too near to the expiry of the job's records.
        items: how many items a loop may go over.
        loop_records: how many records all loops of a job may make together.
    """

    has_callbacks: bool = True
    has_principals: bool = True
    longest_wait: float | None = None
    items: int = Limits().items
    loop_records: int = Limits().loop_records

    @classmethod
    def of(cls, settings: Settings) -> Deployment:
        """What the settings say."""
        return cls(
            has_callbacks=settings.public_routes and bool(settings.public_url),
            has_principals=settings.principal_claim != settings.tenant_claim,
            longest_wait=(settings.retention_days - LAST_DAYS) * 86_400.0,
            items=settings.items_limit,
            loop_records=settings.records_limit,
        )
