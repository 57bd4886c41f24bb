"""The error of a failed step fits into its record, whatever a service answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handler.engine.failure import LARGEST_ERROR, LONGEST_NAME, Failure
from handler.engine.status import ConduitStatus


def described(message: str, details: Any = None) -> dict[str, Any]:
    failure = Failure(ConduitStatus.CALL_FAILED, message)
    failure.details = details
    error = failure.describe()
    assert len(json.dumps(error, ensure_ascii=False, separators=(",", ":")).encode()) <= LARGEST_ERROR
    return error


def test_a_small_error_is_kept_whole() -> None:
    details = {"status": 500, "body": "x" * 1_000}
    assert described("The server failed.", details) == {
        "type": "CALL_FAILED",
        "message": "The server failed.",
        "details": details,
    }


def test_the_largest_details_go_first() -> None:
    details = {"status": 500, "headers": ["x" * 900] * 5, "body": "y" * 100}
    assert described("The server failed.", details)["details"] == {"status": 500, "body": "y" * 100}


def test_long_strings_and_names_of_details_are_shortened_before_any_is_left_out() -> None:
    details = described("The server failed.", {"body": "x" * 5_000, "n" * 5_000: 1})["details"]
    assert list(details) == ["body", "n" * LONGEST_NAME]
    assert details["body"].startswith("xxx")
    assert len(details["body"]) < 5_000


def test_details_that_never_fit_are_left_out() -> None:
    assert "details" not in described("The server failed.", {"headers": ["x" * 5_000]})


def test_the_last_items_of_a_list_of_details_go_first() -> None:
    details = described("Not valid.", [{"place": number, "message": "x" * 500} for number in range(20)])["details"]
    assert [entry["place"] for entry in details] == list(range(len(details)))
    assert 0 < len(details) < 20


@pytest.mark.parametrize("character", ["x", "ä", "\U0001f600", "\0", '"'])
def test_a_message_of_any_characters_fits(character: str) -> None:
    message = described(character * 50_000, {"body": "x" * 3_000})["message"]
    assert message.startswith(character * 100)
