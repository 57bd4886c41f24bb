"""The nearest known name, found within a budget that the user's names cannot exceed."""

from __future__ import annotations

from handler.payload.suggestion import LONGEST_NAME, MOST_NAMES, Suggestions

KNOWN = ["TEXT.JOIN", "TEXT.UPPER", "LISTS.CREATE"]


def test_the_nearest_name_is_suggested_in_its_own_case() -> None:
    assert Suggestions().suggest("text.jion", KNOWN) == " Did you mean TEXT.JOIN?"
    assert Suggestions().nearest("x", KNOWN) is None


def test_the_suggestions_of_a_job_compare_no_more_characters_than_their_room() -> None:
    compared = sum(map(len, KNOWN)) * len("TEXT.JION")
    suggestions = Suggestions(room=2 * compared)
    found = [suggestions.nearest("TEXT.JION", KNOWN) for _ in range(4)]
    assert found == ["TEXT.JOIN", "TEXT.JOIN", None, None]


def test_a_long_name_and_names_beyond_the_first_are_not_compared() -> None:
    assert Suggestions().nearest("N" * (LONGEST_NAME + 1), ["N" * LONGEST_NAME]) is None
    names = [f"OTHER{number}" for number in range(MOST_NAMES)]
    assert Suggestions().nearest("TEXT.JION", [*names, "TEXT.JOIN"]) is None
