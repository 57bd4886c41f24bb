"""An embedded AWS for the tests that check the effect of an attack on the table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local import EmbeddedAws, embedded


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with embedded() as started:
        yield started
