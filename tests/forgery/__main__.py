"""`make forgery`: runs every attempt to make the client call a forbidden address, and reports those that succeed."""

from __future__ import annotations

import sys

from tests.forgery.run import run_attempts

# ruff: noqa: T201  # a command prints


def main() -> int:
    result = run_attempts()
    counts = f"{result.attempts} attempts: {len(result.refused)} refused, {len(result.invalid)} invalid"
    print(f"{counts}, {len(result.failed)} reached no server, {len(result.answered)} answered; {len(result.hits)} hits")
    for attempt in result.hits:
        print(f"  hit: {attempt.kind}: {attempt.url}")
    return 1 if result.hits else 0


if __name__ == "__main__":
    sys.exit(main())
