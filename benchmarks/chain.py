"""The job that every engine is given: a chain of sums, each step reading the result of the one before.

It is the worst case for runners that look at earlier steps again, and does almost no work itself, so what is
measured is the runner.
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
    """What each cell is started with: ``--steps`` of a job, and ``--seconds`` to repeat it.

    ``--forget`` and ``--invocation`` are for those runners that say what they mean by it.
    """
    from argparse import ArgumentParser  # noqa: PLC0415  # a cold start's figures take nothing but `payload` from here

    parser = ArgumentParser()
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--forget", action="store_true")
    parser.add_argument("--invocation", action="store_true")
    return parser.parse_args()


def repeat(job: Callable[[], float], *, seconds: float) -> list[float]:
    """Run `job`, which answers how many seconds counted, again and again for `seconds`; the first run is warm-up.

    Returns:
        the seconds that counted, one for each run; at least one.
    """
    first = job()
    gc.collect()
    end = time.perf_counter() + seconds
    taken = []
    while time.perf_counter() < end and len(taken) < MOST_RUNS:
        taken.append(job())
    return taken or [first]


async def repeat_awaited(job: Callable[[], Awaitable[float]], *, seconds: float) -> list[float]:
    """As `repeat`, for a job that is awaited: the event loop runs already, so its start is in nobody's figures."""
    first = await job()
    gc.collect()
    end = time.perf_counter() + seconds
    taken = []
    while time.perf_counter() < end and len(taken) < MOST_RUNS:
        taken.append(await job())
    return taken or [first]


def report(taken: list[float], *, steps: int, **more: Any) -> None:
    """Print what the cell found, as the line of JSON that `rounds` reads."""
    from statistics import median  # noqa: PLC0415  # 20 ms that would count in the figures of a cold start

    spent = {"us_per_step": median(taken) / steps * 1e6, "best_us_per_step": min(taken) / steps * 1e6}
    print(json.dumps({**spent, "runs": len(taken), **more}))


def demand(result: Any, steps: int) -> None:
    """A runner that gives the wrong answer is not measured."""
    if result != steps:
        raise SystemExit(f"the chain of {steps} steps ended with {result!r}")
