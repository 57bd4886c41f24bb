"""The bare minimum: a loop that calls one function under pydantic's ``validate_call``. No job, no tags, no records."""

from __future__ import annotations

import time

from pydantic import validate_call

from benchmarks.chain import arguments, demand, repeat, report


@validate_call
def add(*, value1: int | float, value2: int | float) -> int | float:  # noqa: PYI041  # as the block has it: each member is tried
    return value1 + value2


def main() -> None:
    given = arguments()

    def job() -> float:
        began = time.perf_counter()
        value: int | float = 0
        for _ in range(given.steps):
            value = add(value1=value, value2=1)
        taken = time.perf_counter() - began
        demand(value, given.steps)
        return taken

    report(repeat(job, seconds=given.seconds), steps=given.steps)


if __name__ == "__main__":
    main()
