"""The gate of `make coverage` judges lines and branches separately."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

GATE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / ".ci" / "coverage_gate.py"))


@pytest.mark.parametrize(
    ("lines", "branches", "code"), [(970, 940, 0), (1000, 1000, 0), (969, 1000, 1), (1000, 939, 1)]
)
def test_too_few_lines_or_too_few_branches_fail_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: int, branches: int, code: int
) -> None:
    totals = {"covered_lines": lines, "num_statements": 1000, "covered_branches": branches, "num_branches": 1000}
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"totals": totals}))

    assert GATE["main"](report) == code
    assert f"lines: {lines / 10:.2f} % covered, at least 97 % required" in capsys.readouterr().out
