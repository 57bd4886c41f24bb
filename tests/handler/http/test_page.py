"""The page about the API names exactly the codes and problems that exist."""

from __future__ import annotations

import re
from pathlib import Path

from handler.http.problem_details import KINDS
from handler.payload.problem import CODES

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def rows(heading: str) -> list[list[str]]:
    table = PAGE.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_page_lists_every_code_with_its_message() -> None:
    assert dict(rows("Code | Meaning")) == CODES


def test_the_page_lists_every_problem_with_its_status() -> None:
    assert {(name, int(status)) for name, status, _ in rows("Problem | Status | When")} == {
        (kind.name, kind.status) for kind in KINDS
    }


def test_the_page_names_every_path_of_the_api() -> None:
    paths = set(re.findall(r"`(?:GET|POST) (/[^`?]*)", PAGE))
    assert paths >= {"/jobs", "/jobs/validate", "/jobs/{id}", "/jobs/{id}/steps/{step}", "/jobs/{id}/cancel", "/schema"}
