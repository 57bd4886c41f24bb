"""docs/when-aws-fails.md quotes every log line about a failure of AWS."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOLD = re.compile(r"log_failure\(\s*[\w\"]+,\s*\"(?P<message>[^\"]+)\"")
ROW = re.compile(r"^\| `(?P<message>[A-Z][^`]+)` \| (?:error|warning|exception) \|", re.MULTILINE)


def test_the_page_names_every_failure_that_the_handler_logs() -> None:
    source = "".join(path.read_text() for path in (ROOT / "handler").rglob("*.py"))
    page = ROW.findall((ROOT / "docs" / "when-aws-fails.md").read_text())
    told = set(TOLD.findall(source))
    assert len(told) > 4
    assert told <= set(page)
    assert [message for message in page if f'"{message}"' not in source] == []
