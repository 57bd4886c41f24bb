"""What holds for every test: no budget of time, and a log that a test before it has left as it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

if find_spec("hypothesis"):  # the tests of the page have an environment of their own, without it
    from hypothesis import HealthCheck, settings

    from tests.examples import examples

    # Hypothesis would fail a property that takes long on a busy machine.
    settings.register_profile(
        "untimed", deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """An invocation sets the level of the whole process: tests that read the log must not depend on the order."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
