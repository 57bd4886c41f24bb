"""The cost of an expression: compiled once, then evaluated as conditions and sums are.

    python -m benchmarks.expressions

A condition on scalars costs at most 6 µs, a sum over 100 items at most 150 µs.
"""

from __future__ import annotations

import time
import timeit
from typing import Final

from handler.engine import Conduit
from handler.engine.call import Budget
from handler.engine.language.conditions import is_met
from handler.engine.language.expression import Expression
from handler.engine.language.tags import parse, resolve_text

JOB: Final = {
    "parameters": {"n": 5, "labels": ["vip", "new"], "lines": [{"net": 1.5, "qty": 2}] * 100},
    "variables": {"tries": 1},
    "steps": [],
}
CONDITIONS: Final = (
    "{= parameters.n > 4 =}",
    "{= {< n >} > 4 and variables.tries < 3 =}",
    "{= variables.tries < 3 and 'vip' in parameters.labels =}",
)
VALUES: Final = (
    "{= sum(l.net for l in parameters.lines) =}",
    "{= sum(l.net * l.qty for l in parameters.lines) =}",
    "{= round(parameters.n * 1.19, 2) =}",
)


def main() -> None:
    contexts = Conduit.from_dict(JOB).contexts
    charge = Budget(1 << 60, "the benchmark").charge
    for text in CONDITIONS:
        show(
            text,
            min(
                timeit.repeat(
                    lambda text=text: is_met(text, contexts, charge), number=500, repeat=30, timer=time.process_time
                )
            )
            / 500,
        )
    for text in VALUES:
        measured = timeit.repeat(
            lambda text=text: resolve_text(text, contexts, charge), number=50, repeat=30, timer=time.process_time
        )
        show(text, min(measured) / 50)
    began = time.process_time()
    for number in range(300):
        (piece,) = parse(f"{{= variables.tries < {number} and 'vip' in parameters.labels =}}")
        assert isinstance(piece, Expression)
        assert piece.program
    show("compiling one of them", (time.process_time() - began) / 300)


def show(what: str, seconds: float) -> None:
    print(f"{seconds * 1e6:8.2f} µs  {what}")


if __name__ == "__main__":
    main()
