"""ENCODE and HASH: strings encoded for other formats, and digests."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.block import BudgetExceededError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
STRINGS = st.text(st.characters(exclude_categories=["Cs"]))


@same_fixture
@given(text=STRINGS)
def test_base64_holds_the_bytes_of_utf_8_and_is_read_again(run: Run, call: Any, text: str) -> None:
    before = call.charged
    written = run("ENCODE.BASE64", text=text)

    assert written == base64.b64encode(text.encode()).decode()
    assert call.charged - before == len(written)
    assert run("ENCODE.DECODE_BASE64", text=written) == text
    assert run("ENCODE.DECODE_BASE64", text=base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")) == text


@same_fixture
@given(text=STRINGS)
def test_a_part_of_a_url_is_decoded_again_and_has_no_reserved_characters(run: Run, call: Any, text: str) -> None:
    before = call.charged
    written = run("ENCODE.URL", text=text)

    assert written == quote(text, safe="")
    assert call.charged - before == len(written)
    assert run("ENCODE.DECODE_URL", text=written) == text


@same_fixture
@given(text=STRINGS)
def test_html_is_escaped_for_text_and_for_attributes(run: Run, call: Any, text: str) -> None:
    before = call.charged
    written = run("ENCODE.HTML", text=text)

    assert written == html.escape(text)
    assert call.charged - before == len(written)


@pytest.mark.parametrize(
    ("action", "text", "message"),
    [
        ("ENCODE.DECODE_BASE64", "a", "base64"),
        ("ENCODE.DECODE_BASE64", "YW!j", "base64"),
        ("ENCODE.DECODE_BASE64", "YQ==YQ==", "base64"),
        ("ENCODE.DECODE_BASE64", "/w==", "UTF-8"),
        ("ENCODE.DECODE_URL", "%FF", "UTF-8"),
        ("ENCODE.BASE64", "\ud800", "surrogate"),
        ("ENCODE.URL", "\ud800", "surrogate"),
    ],
)
def test_what_cannot_be_written_or_read_is_refused(run: Run, action: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(action, text=text)


def test_the_lines_of_base64_may_be_broken(run: Run) -> None:
    assert run("ENCODE.DECODE_BASE64", text="aMOp\r\n bGxv\n") == "héllo"


def test_a_plus_sign_and_a_lone_percent_sign_are_read_as_they_are(run: Run) -> None:
    assert run("ENCODE.DECODE_URL", text="1+1 100%") == "1+1 100%"


@pytest.mark.parametrize("action", ["ENCODE.BASE64", "ENCODE.URL", "ENCODE.HTML"])
def test_a_longer_string_is_charged_before_it_is_built(run: Run, call: Any, action: str) -> None:
    call.budget = 1000
    with pytest.raises(BudgetExceededError):
        run(action, text="&" * 900)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha1", "md5"])
def test_a_digest_is_that_of_the_bytes_of_utf_8(run: Run, algorithm: str) -> None:
    assert run("HASH.DIGEST", text="é", algorithm=algorithm) == hashlib.new(algorithm, "é".encode()).hexdigest()


def test_the_digest_of_another_algorithm_does_not_fit(run: Run) -> None:
    with pytest.raises(ValidationError):
        run("HASH.DIGEST", text="a", algorithm="crc32")
