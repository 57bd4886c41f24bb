"""The job for every engine: a chain of sums, in which each step reads the previous step's result.

It is the worst case for runners that read earlier steps again. It does almost no work itself, so the figures are the
runner's.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import Namespace

MOST_RUNS = 10_000


def payload(steps: int) -> dict[str, Any]:
    """A job that adds 1 in each of `steps` steps; the result of the last one is `steps`.

    One payload serves this engine and pyconduit: both know ``MATH.SUM`` and this tag.
    """
    return {
        "id": f"chain-{steps}",
        "steps": [
            {
                "action": "MATH.SUM",
                "id": f"s{position}",
                "parameters": {"value1": f"{{: s{position - 1} :}}" if position > 1 else 0, "value2": 1},
            }
            for position in range(1, steps + 1)
        ],
    }


def arguments() -> Namespace:
    """The arguments of each cell: ``--steps`` of a job, and ``--seconds`` for which to repeat it.

    Some runners also have ``--forget`` and ``--invocation``, which they document.
    """
    from argparse import ArgumentParser  # noqa: PLC0415  # a cold start imports this module for `payload` only

    parser = ArgumentParser()
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--forget", action="store_true")
    parser.add_argument("--invocation", action="store_true")
    return parser.parse_args()


def repeat(job: Callable[[], float], *, seconds: float) -> list[float]:
    """Repeat `job`, which returns the seconds to count, for `seconds`; the first run is a warm-up.

    Returns:
        the seconds to count of each run; at least one.
    """
    first = job()
    gc.collect()
    end = time.perf_counter() + seconds
    taken = []
    while time.perf_counter() < end and len(taken) < MOST_RUNS:
        taken.append(job())
    return taken or [first]


async def repeat_awaited(job: Callable[[], Awaitable[float]], *, seconds: float) -> list[float]:
    """As `repeat`, for a coroutine function: the event loop already runs, so its start is not measured."""
    first = await job()
    gc.collect()
    end = time.perf_counter() + seconds
    taken = []
    while time.perf_counter() < end and len(taken) < MOST_RUNS:
        taken.append(await job())
    return taken or [first]


def report(taken: list[float], *, steps: int, **more: Any) -> None:
    """Print the cell's figures as the line of JSON that `rounds` reads."""
    from statistics import median  # noqa: PLC0415  # 20 ms, which would distort the figures of a cold start

    spent = {"us_per_step": median(taken) / steps * 1e6, "best_us_per_step": min(taken) / steps * 1e6}
    print(json.dumps({**spent, "runs": len(taken), **more}))


def demand(result: Any, steps: int) -> None:
    """Stop a runner with a wrong result, so that it is not measured."""
    if result != steps:
        raise SystemExit(f"the chain of {steps} steps ended with {result!r}")
