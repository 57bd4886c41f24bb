"""The environment as settings: read at each invocation, and checked when it changed."""

from __future__ import annotations

import pytest

from handler.settings import Settings, SettingsError

REQUIRED = {
    "TABLE_NAME": "jobs",
    "BUS_NAME": "bus",
    "QUEUE_URL": "https://queue",
    "DEAD_LETTER_QUEUE_URL": "https://dead",
}


def test_variables_become_settings_and_an_empty_one_counts_as_not_set() -> None:
    given = {"FLUSH_INTERVAL": "2.5", "QUEUE_TAGS": "A, B", "STEP_LIMIT": "", "PATH": "/bin"}
    settings = Settings.from_environment({**REQUIRED, **given})
    assert (settings.table_name, settings.flush_interval, settings.queue_tags) == ("jobs", 2.5, ("A", "B"))
    assert settings.step_limit == Settings.model_fields["step_limit"].default


def test_a_variable_that_changes_between_two_invocations_is_seen() -> None:
    assert Settings.from_environment({**REQUIRED, "STEP_LIMIT": "5"}).step_limit == 5
    assert Settings.from_environment({**REQUIRED, "STEP_LIMIT": "6"}).step_limit == 6
    assert Settings.from_environment({**REQUIRED, "STEP_LIMIT": "5"}).step_limit == 5


def test_all_that_is_wrong_with_the_environment_is_named_at_once_and_each_time() -> None:
    environment = {**REQUIRED, "STEP_LIMIT": "-1", "STEP_EVENTS": "some"}
    del environment["BUS_NAME"]
    for _ in range(2):
        with pytest.raises(SettingsError) as raised:
            Settings.from_environment(environment)
        for name in ("BUS_NAME", "STEP_LIMIT", "STEP_EVENTS"):
            assert f"{name}: " in str(raised.value)
