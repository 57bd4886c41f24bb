"""Each decision record has a date and a status, and the code that it explains links to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
CODE = [path for folder in ("handler", "blocks", "infra", ".ci") for path in (ROOT / folder).rglob("*.py")]
SOURCES = "".join(path.read_text(encoding="utf-8") for path in [*CODE, ROOT / "template.yaml"])


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_decision_is_dated_and_linked_from_the_code(record: Path) -> None:
    assert re.search(
        r"^Date: \d{4}-\d\d-\d\d · Status: (accepted|superseded by \d+)$", record.read_text(), re.MULTILINE
    )
    assert f"docs/decisions/{record.name}" in SOURCES


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_the_title_of_a_decision_begins_with_its_number(record: Path) -> None:
    assert record.read_text(encoding="utf-8").startswith(f"# {int(record.name[:3])}. ")


def test_no_number_is_given_twice() -> None:
    numbers = [record.name[:3] for record in RECORDS]
    assert len(set(numbers)) == len(numbers)
