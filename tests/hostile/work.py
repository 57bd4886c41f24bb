"""Jobs that take more time than their evaluation steps say: by failing, by searching, by reading."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.hostile.combinations import block, repeat, set_to
from tests.hostile.jobs import DIGITS, Job, create, join, loop


def tolerated(value: Any, **more: Any) -> Job:
    """A loop of 3,000 steps, each of which evaluates the value and may fail."""
    steps = [{"id": f"a{at}", "allow_failure": True, **create([value])} for at in range(5)]
    return {"steps": [loop("{= range(600) =}", *steps)], **more}


def forty(source: str, **parameters: Any) -> Job:
    """Forty steps that evaluate the same expression."""
    return repeat({**create([f"{{= {source} =}}"]), "allow_failure": True}, 40, parameters=parameters)


LIKE_EACH_OTHER = {f"{'k' * 38}{chr(97 + at % 26)}{chr(97 + at // 26)}": at for at in range(100)}
OF_ONE_HASH = [at * (2**61 - 1) for at in range(1, 11_000)]
SUM_OF_PAIRS = "sum(x * y for x in parameters.l for y in parameters.l)"
NEEDLE = "a" * 900 + "b" + "a" * 300
FAILURES: dict[str, Callable[[], Job]] = {
    "3,000 failures after 99,000 evaluation steps each": lambda: tolerated(
        f"{{= {SUM_OF_PAIRS} / 0 =}}", parameters={"l": list(range(130))}
    ),
    "3,000 expressions that take too many evaluation steps": lambda: tolerated(
        f"{{= {SUM_OF_PAIRS} =}}", parameters={"l": list(range(1_000))}
    ),
    "450 lists, conditions and variables that fail after 99,000 evaluation steps": lambda: {
        "parameters": {"l": list(range(130))},
        "steps": [
            {**loop(f"{{= {SUM_OF_PAIRS} / 0 =}}", {"id": "a", **join()}), "allow_failure": True},
            {**join(), "if": f"{{= {SUM_OF_PAIRS} / 0 =}}", "allow_failure": True},
            set_to(f"{{= {SUM_OF_PAIRS} / 0 =}}"),
        ]
        * 150,
    },
    "3,000 failures that look for the key that was meant": lambda: tolerated(
        "{= parameters['" + "k" * 38 + "!!'] =}", parameters=LIKE_EACH_OTHER
    ),
    "3,000 strings of 100,000 words that are split and refused": lambda: tolerated(
        "{= split(parameters.s) =}", parameters={"s": "a " * 100_000}
    ),
}
SEARCHES: dict[str, Callable[[], Job]] = {
    f"a part that is compared at each place of a string, 40,000 times, by {name}": partial(
        forty, f"[len(str({source})) for x in range(1000)]", s="a" * 2_499, n=NEEDLE
    )
    for name, source in {
        "in": "parameters.n in parameters.s",
        "contains": "contains(parameters.s, parameters.n)",
        "split": "split(parameters.s, parameters.n)",
        "replace": "replace(parameters.s, parameters.n, '')",
    }.items()
}
CONDITIONS: dict[str, Callable[[], Job]] = {
    f"a loop of 1,000 whose condition is {name}": lambda condition=condition: {
        "parameters": {"a": 1},
        "steps": [loop("{= range(1000) =}", {"id": "a", **join(), "if": condition(), "allow_failure": True})],
    }
    for name, condition in {
        "5,000 tags beside text": lambda: "{< a >} == 1 and " * 5_000,
        "17 tags beside text": lambda: "{< a >} == 1 and " * 17,
        "20,000 strings": lambda: ["true"] * 20_000,
        "20,000 strings and an expression": lambda: [*["true"] * 20_000, "{= false =}"],
    }.items()
}
READS: dict[str, Callable[[], Job]] = {
    "a missing key with a default, 400,000 times": lambda: forty(
        "len([default(parameters['" + "k" * 38 + "!!'], 1) for x in range(10000)])", **LIKE_EACH_OTHER
    ),
    "a long string that is no number, 80,000 times": lambda: forty(
        "len([int(parameters.s, 0) for x in range(2000)])", s="1" * 200_000 + "x"
    ),
    "30,000 empty lists, compared with each other": lambda: forty("unique(parameters.l)", l=[[]] * 30_000),
    "rounding 10,000 numbers": lambda: forty("len([round(x + 0.5, 2) for x in range(10000)])"),
    "integers of 4,300 digits as strings": lambda: forty("len([str(parameters.n) for x in range(240)])", n=DIGITS),
    "11,000 numbers of one hash": lambda: repeat(
        block("LISTS.UNIQUE", list="{< l >}"), 20, parameters={"l": OF_ONE_HASH}
    ),
    "200 long addresses, each another": lambda: {
        "parameters": {"s": "https://a.example/?" + "x" * 240_000},
        "steps": [loop("{= range(200) =}", {"id": "a", **block("URL.PARSE", url="{< s >}" * 4 + "{% loop.index %}")})],
    },
    "a loop of 1,000 over 10,000 tags in tags": lambda: {
        "parameters": {"a": "b", "b": ""},
        "steps": [loop("{= range(1000) =}", {"id": "a", **join("{< {< a >} >}" * 10_000)})],
    },
    "a loop of 1,000 over 15,000 slices": lambda: {
        "parameters": {"s": "x"},
        "steps": [loop("{= range(1000) =}", {"id": "a", **join("{< s.0:1 >}" * 15_000)})],
    },
    "copies of all steps and of a loop": lambda: {
        "steps": [
            {"id": "l", **loop("{= range(1000) =}", {"id": "a", **join()})},
            *[{**create(["{% steps.l %}", "{% steps %}"] * 10), "allow_failure": True}] * 20,
            *[{**join("{% steps.l %}"), "allow_failure": True}] * 20,
        ],
    },
}
RUN: dict[str, Callable[[], Job]] = FAILURES | SEARCHES | CONDITIONS | READS
"""Each of these is run, as a direct invocation."""
