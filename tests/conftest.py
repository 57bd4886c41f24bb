"""Settings of every test: no time limit for properties, and the log level is restored after each test."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

if find_spec("hypothesis"):  # the tests of the page run in their own environment, without hypothesis
    from hypothesis import HealthCheck, settings

    from tests.examples import examples

    # Hypothesis would fail a property that is slow on a busy machine.
    settings.register_profile(
        "untimed", deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow tests first: one that begins last would run alone while the other process has nothing left to do."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Exempt what was collected from the garbage collector and let it search old objects less often.

    Thousands of tests and the modules that they import are never garbage, and searching them took a tenth of the run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], 200)


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Restore the log level, which an invocation sets for the whole process: tests must not depend on their order."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
