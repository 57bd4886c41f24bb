"""The Prefer header, by RFC 7240."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.http.preferences import Preferences, read_preferences


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Preferences()),
        ("", Preferences()),
        ("respond-async", Preferences(respond_async=True)),
        ("Respond-Async", Preferences(respond_async=True)),
        ("wait=10", Preferences(wait=10)),
        ("wait = 10", Preferences(wait=10)),
        ('wait="10"', Preferences(wait=10)),
        ("wait=-1", Preferences()),
        ("wait=soon", Preferences()),
        ("wait=99999999999", Preferences()),
        ("handling=strict", Preferences(strict=True)),
        ("handling=lenient", Preferences()),
        ("handling=lenient, handling=strict", Preferences()),
        ("respond-async, wait=5, handling=strict", Preferences(respond_async=True, wait=5, strict=True)),
        ('foo; bar="a, b", respond-async', Preferences(respond_async=True)),
        ("respond-async; x=y", Preferences(respond_async=True)),
        ("return=minimal,, wait=3", Preferences(wait=3)),
    ],
)
def test_the_header_is_read_as_rfc_7240_writes_it(header: str | None, expected: Preferences) -> None:
    assert read_preferences(header) == expected


def test_who_would_wait_a_while_is_not_answered_at_once() -> None:
    assert read_preferences("respond-async").at_once
    assert read_preferences("respond-async, wait=0").at_once
    assert not read_preferences("respond-async, wait=5").at_once


def test_the_answer_names_the_preferences_that_were_honoured() -> None:
    assert read_preferences("handling=strict, wait=5, foo").applied == "wait=5, handling=strict"
    assert read_preferences("foo").applied is None


@settings(deadline=None)
@given(st.text())
def test_no_header_is_an_error(header: str) -> None:
    read_preferences(header)


def test_a_long_header_is_read_in_no_time() -> None:
    read_preferences("a=" * 50_000)
    read_preferences('a="' + "\\" * 50_000)
