from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.workflows.tokens import make_token, read_token

KEY = bytes(range(32))
NAMES = st.lists(st.text(min_size=1, max_size=50), min_size=1, max_size=4).map(tuple)


@given(NAMES)
def test_a_token_names_its_purpose(names: tuple[str, ...]) -> None:
    token = read_token("hook", make_token("hook", names, KEY))
    assert token is not None
    assert token.names == names
    assert token.is_genuine(KEY)


def test_a_token_is_worth_nothing_with_another_key_kind_or_thing() -> None:
    text = make_token("hook", ("tenant", "name"), KEY)
    names, _, digest = text.partition(".")
    token = read_token("hook", text)
    assert token is not None
    assert not token.is_genuine(bytes(32))
    assert not token.is_genuine(None)
    other_kind = read_token("callback", text)
    assert other_kind is not None
    assert not other_kind.is_genuine(KEY)
    other = read_token("hook", f"{make_token('hook', ('tenant', 'other'), KEY).partition('.')[0]}.{digest}")
    assert other is not None
    assert not other.is_genuine(KEY)
    shorter = read_token("hook", f"{names}.{digest[:8]}")
    assert shorter is not None
    assert not shorter.is_genuine(KEY)


def test_a_token_for_nothing_is_not_genuine_even_with_the_stand_in_key() -> None:
    token = read_token("hook", make_token("hook", ("tenant", "name"), bytes(32)))
    assert token is not None
    assert not token.is_genuine(None)


@pytest.mark.parametrize(
    "text", ["", ".", "a.b", "W10.AAAA", "bnVsbA.AAAA", "e30.AAAA", "WyJhIl0", "WyJhIl0=.AAAA", "WyIiXQ.AAAA"]
)
def test_a_string_without_the_form_of_a_token_is_not_read_as_one(text: str) -> None:
    assert read_token("hook", text) is None


def test_a_text_that_is_too_long_is_not_looked_at() -> None:
    assert read_token("hook", make_token("hook", ("x" * 3000,), KEY)) is None


@given(st.text(max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    token = read_token("hook", text)
    assert token is None or not token.is_genuine(KEY)


def test_a_token_has_one_way_to_be_written() -> None:
    """Otherwise the same token in another spelling would pass a list of tokens already seen."""
    spaced = "WyAiYSJd"  # [ "a"]
    assert read_token("hook", f"{spaced}.{make_token('hook', ('a',), KEY).partition('.')[2]}") is None
