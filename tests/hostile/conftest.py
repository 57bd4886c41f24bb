"""An embedded AWS for the tests that follow one attack through the table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local import EmbeddedAws, embedded


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with embedded() as started:
        yield started
