"""What a job knows of the answers to its steps, and of the addresses at which they can be given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Address(NamedTuple):
    """Where a step can be answered."""

    url: str
    token: str


def no_address(_: str) -> Address:
    """There are none.

    Raises:
        ValueError: always.
    """
    raise ValueError(
        "no step has a callback here: the deployment needs the settings PUBLIC_URL and PUBLIC_ROUTES for that"
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one job.

    Attributes:
        given: by the path of the step: ``{"ok", "value", "reason", "by", "at"}``, `at` as RFC 3339.
        address: of the step with that path. Raises `ValueError` where there is none.
    """

    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    address: Callable[[str], Address] = no_address
