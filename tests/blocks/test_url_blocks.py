from __future__ import annotations

import json
import urllib.parse
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.block import BudgetExceededError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NOTHING = {"scheme": "", "host": None, "port": None, "path": "", "query": {}, "fragment": ""}


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://example.com", {"scheme": "https", "host": "example.com"}),
        ("HTTPS://EXAMPLE.com:8443/A", {"scheme": "https", "host": "example.com", "port": 8443, "path": "/A"}),
        ("https://user:pass@example.com/", {"scheme": "https", "host": "example.com", "path": "/"}),
        ("http://[::1]:80/", {"scheme": "http", "host": "::1", "port": 80, "path": "/"}),
        ("/a%20b?x=1%202&y=a+b", {"path": "/a%20b", "query": {"x": "1 2", "y": "a b"}}),
        ("?a=1&a=2&a=3&b=&c", {"query": {"a": ["1", "2", "3"], "b": "", "c": ""}}),
        ("mailto:ann@example.com", {"scheme": "mailto", "path": "ann@example.com"}),
        ("#top", {"fragment": "top"}),
        ("", {}),
    ],
)
def test_an_address_is_taken_apart(run: Run, url: str, parts: dict[str, Any]) -> None:
    assert run("URL.PARSE", url=url) == NOTHING | parts


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://example.com:99999/", "not a valid address"),
        ("https://example.com:http/", "not a valid address"),
        ("https://[::1/", "not a valid address"),
        ("https://example.com/a b", "position 21"),
        ("https://example.com/\nHost: evil", "position 20"),
    ],
)
def test_an_invalid_address_is_refused(run: Run, url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run("URL.PARSE", url=url)


@pytest.mark.parametrize(
    ("parameters", "url"),
    [
        ({"base": "https://example.com"}, "https://example.com"),
        ({"base": "https://example.com", "path": "/a"}, "https://example.com/a"),
        ({"base": "https://example.com/v1/", "path": "a/b"}, "https://example.com/v1/a/b"),
        ({"base": "https://example.com/v1", "path": "a b?c#d"}, "https://example.com/v1/a%20b%3Fc%23d"),
        ({"base": "https://example.com", "path": "100%/a%20b"}, "https://example.com/100%25/a%20b"),
        ({"base": "https://example.com", "path": ["users", "a/../b", 7]}, "https://example.com/users/a%2F..%2Fb/7"),
        ({"base": "https://example.com/?a=1#top", "query": {"b": 2}}, "https://example.com/?a=1&b=2#top"),
        (
            {"base": "https://example.com", "query": {"a": ["x", 1], "b": None, "c": True, "d": "&=é", "e": []}},
            "https://example.com?a=x&a=1&c=true&d=%26%3D%C3%A9",
        ),
    ],
)
def test_an_address_is_put_together(run: Run, parameters: dict[str, Any], url: str) -> None:
    assert run("URL.BUILD", **parameters) == url


@pytest.mark.parametrize("base", ["example.com", "/a", "https://", "https:///a", "https://exa mple.com", "https://a\n"])
def test_a_base_without_scheme_and_host_is_refused(run: Run, base: str) -> None:
    with pytest.raises(ValueError, match="base"):
        run("URL.BUILD", base=base)


@same_fixture
@given(
    query=st.dictionaries(STRINGS, STRINGS | st.lists(STRINGS, min_size=2, max_size=3), max_size=4),
    segments=st.lists(STRINGS.filter(bool), max_size=3),
)
def test_a_query_comes_back_as_it_was_and_no_value_breaks_out(
    run: Run, call: Any, query: dict[str, Any], segments: list[str]
) -> None:
    url = run("URL.BUILD", base="https://example.com", path=segments, query=query)
    before = call.charged
    parts = run("URL.PARSE", url=url)

    assert call.charged - before <= len(json.dumps(parts, ensure_ascii=False, separators=(",", ":")))
    assert (parts["scheme"], parts["host"], parts["port"], parts["fragment"]) == ("https", "example.com", None, "")
    assert parts["query"] == query
    assert parts["path"].count("/") == len(segments)


def test_a_url_block_charges_the_address_that_it_builds(run: Run, call: Any) -> None:
    call.budget = 500
    with pytest.raises(BudgetExceededError):
        run("URL.PARSE", url="?" + "&".join("a" * 1000))
    with pytest.raises(BudgetExceededError):
        run("URL.BUILD", base="https://example.com", query={"a": ["b"] * 1000})


@pytest.mark.parametrize(("action", "parameter"), [("URL.PARSE", "url"), ("URL.BUILD", "base")])
def test_a_long_address_is_not_kept_by_python(run: Run, action: str, parameter: str) -> None:
    """It keeps what it has split of the last 128, of any length."""
    for at in range(20):
        run(action, **{parameter: f"https://{at}.example.com/{'a' * 10_000}"})
    with suppress(ValueError):
        run(action, **{parameter: f"https://[{'a' * 10_000}"})
    assert urllib.parse.urlsplit.cache_info().currsize <= 1  # type: ignore[attr-defined]
