"""Checks the coverage of lines and of branches, for `make coverage`: ``python .ci/coverage_gate.py coverage.json``.

Processes that the tests start are measured too, except those that are killed. Code that coverage cannot see, such as
the child that isolation forks, does not count: it is between the comments "Unmeasured from here" and "Measured again".
"""

# ruff: noqa: INP001 (a script, not a package)

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

LEAST: Final = {"lines": 97.0, "branches": 94.0}
"""Percent of each that tests must reach."""


def shares(totals: Mapping[str, Any]) -> dict[str, float]:
    """Percent of covered lines and branches, from ``totals`` of coverage's JSON report."""
    return {
        "lines": 100 * totals["covered_lines"] / totals["num_statements"],
        "branches": 100 * totals["covered_branches"] / totals["num_branches"],
    }


def main(report: Path) -> int:
    """Print both shares; return 1 if one is too low, else 0."""
    reached = shares(json.loads(report.read_text())["totals"])
    for name, share in reached.items():
        sys.stdout.write(f"{name}: {share:.2f} % covered, at least {LEAST[name]:g} % required\n")
    return int(any(share < LEAST[name] for name, share in reached.items()))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
