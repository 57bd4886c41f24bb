"""Settings from the environment: read at each invocation, and checked after a change."""

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


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", (("AWS.*", "aws"),)),
        ("HTTP.*=http, AWS.*=aws", (("HTTP.*", "http"), ("AWS.*", "aws"))),
        ("HTTP.*=http HTTP.*=net", (("HTTP.*", "http"), ("HTTP.*", "net"))),
        ("none", ()),
    ],
)
def test_tags_of_blocks_are_pairs_of_a_glob_and_a_tag(text: str, pairs: object) -> None:
    assert Settings.from_environment({**REQUIRED, "BLOCK_TAGS": text}).block_tags == pairs


def test_the_settings_of_http_calls_are_read_from_the_environment() -> None:
    given = {"HTTP_PLAIN": "true", "HTTP_PORTS": "8080, 9000", "HTTP_HOSTS": "api.example.com *.example.org"}
    settings = Settings.from_environment({**REQUIRED, **given, "HTTP_PRIVATE_HOSTS": "*.internal", "HTTP_LIMIT": "1"})
    assert (settings.http_plain, settings.http_ports) == (True, (8080, 9000))
    assert settings.http_hosts == ("api.example.com", "*.example.org")
    assert (settings.http_private_hosts, settings.http_limit) == (("*.internal",), 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("HTTP_PRIVATE_HOSTS", value) for value in ("*", "**", "*.*", "?*", "a.internal *")],
        *[("HTTP_HOSTS", value) for value in ("https://example.com", "user@example.com")],
        *[("HTTP_PORTS", value) for value in ("0", "65536", "http", "80-90")],
        *[("BLOCK_TAGS", value) for value in ("HTTP.*", "=http", "HTTP.*=")],
        ("HTTP_LIMIT", "0"),
    ],
)
def test_a_setting_that_would_open_too_much_or_says_nothing_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({**REQUIRED, name: value})


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
