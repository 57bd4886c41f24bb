"""The answers to a job's steps, and the addresses for giving them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Address(NamedTuple):
    """The address for the answer to a step."""

    url: str
    token: str


def no_address(_: str) -> Address:
    """The default without addresses.

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
        address: returns the address of the step with that path. Raises `ValueError` if there is none.
    """

    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    address: Callable[[str], Address] = no_address
