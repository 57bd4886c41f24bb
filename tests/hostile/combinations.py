"""Jobs that exceed no single limit but combine several at their maximum: loops, expressions, blocks, output."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.hostile.jobs import DIGITS, Job, create, join, loop, nested

EMPTY_LISTS: list[Any] = [[[]] * 60] * 800
WIDE = "\U0001f600"


def block(action: str, **parameters: Any) -> Job:
    return {"action": action, "parameters": parameters, "allow_failure": True}


def set_to(value: Any, **more: Any) -> Job:
    return {"set": {"v": value}, "allow_failure": True} | more


def repeat(step: Job, count: int = 900, **more: Any) -> Job:
    return {"steps": [step] * count} | more


def tolerated(value: Any, **more: Any) -> Job:
    """A loop of 3,000 steps, each of which evaluates the value and may fail."""
    steps = [{"id": f"a{at}", "allow_failure": True, **create([value])} for at in range(5)]
    return {"steps": [loop("{= range(600) =}", *steps)], **more}


def forty(source: str, **parameters: Any) -> Job:
    """Forty steps that evaluate the same expression."""
    return repeat({**create([f"{{= {source} =}}"]), "allow_failure": True}, 40, parameters=parameters)


LONG_TEXT = {"parameters": {"s": "x" * 100_000}}
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
        "80 tags beside text": lambda: "{< a >} == 1 and " * 80,
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
RUN: dict[str, Callable[[], Job]] = {
    "30 results of 49,000 strings of two letters": lambda: repeat(
        block("LISTS.COPY", list="{< l >}"), 30, parameters={"l": ["ab"] * 49_000}
    ),
    "30 results of 50,000 numbers": lambda: repeat(
        block("LISTS.COPY", list="{< l >}"), 30, parameters={"l": [300 + at % 600 for at in range(50_000)]}
    ),
    "40 results with four bytes a letter": lambda: repeat(
        block("TEXT.JOIN", text1="{< s >}{< s >}", text2=WIDE), 40, **LONG_TEXT
    ),
    "40 lists with four bytes a letter": lambda: repeat(
        block("LISTS.CREATE", value1="{< s >}{< s >}", value2=WIDE), 40, **LONG_TEXT
    ),
    "a variable of 20,000 objects, set 50 times": lambda: {
        "parameters": {"l": [{}] * 20_000},
        "steps": [{"set": {f"v{at}": "{< l >}"}, "allow_failure": True} for at in range(50)],
    },
    "three loops that keep 48,000 empty lists each": lambda: {
        "parameters": {"l": EMPTY_LISTS},
        "steps": [{"id": f"l{at}", **loop("{= parameters.l + [] =}", {"id": "a", **join()})} for at in range(3)],
    },
    "900 results that are a little too large": lambda: repeat(block("LISTS.RANGE", start=0, stop=46_000)),
    "900 errors that repeat a string of 100 KB": lambda: repeat(block("TIME.PARSE", text="{< s >}"), **LONG_TEXT),
    "900 messages of 100 KB": lambda: repeat(block("LOGIC.FAIL", message="{< s >}" + WIDE), **LONG_TEXT),
    "900 values that are not JSON": lambda: repeat(block("DICTIONARY.GET", key="{< s >}!", dictionary={}), **LONG_TEXT),
    "an object of 20,000 keys as the list of a loop": lambda: {
        "parameters": {"d": {f"{at}": 0 for at in range(20_000)}},
        "steps": [{**loop("{< d >}", {"id": "a", **join()}), "allow_failure": True}] * 200,
    },
    "a loop that sets a growing variable": lambda: {
        "variables": {"v": []},
        "steps": [loop("{= range(1000) =}", {"id": "a", **set_to("{= variables.v + [[], {}, 'ab'] =}")})],
    },
    "a loop that groups, sorts and filters": lambda: {
        "parameters": {"l": [{"k": at % 7, "v": "ab"} for at in range(3_000)]},
        "steps": [
            loop(
                "{= range(1000) =}",
                {"id": "g", **block("LISTS.GROUP_BY", list="{< l >}", key="k")},
                {"id": "s", **block("LISTS.SORT_BY", list="{< l >}", key="k")},
                {"id": "f", **block("LISTS.FILTER", list="{< l >}", key="k", operator="=", value=3)},
            )
        ],
    },
    "a loop over pieces of one letter": lambda: {
        "parameters": {"s": "a," * 60_000},
        "steps": [loop("{= range(1000) =}", {"id": "a", **block("TEXT.SPLIT", text="{< s >}", separator=",")})],
    },
    "JSON of 40,000 empty objects, parsed 900 times": lambda: repeat(
        block("JSON.PARSE", text="{< s >}"), parameters={"s": json.dumps([{}] * 40_000)}
    ),
    "a table of one-letter cells, parsed ten times": lambda: repeat(
        block("CSV.PARSE", text="{< s >}"), 10, parameters={"s": "a,b\n" + "1,2\n" * 38_000}
    ),
    "an address with 38,000 fields, taken apart ten times": lambda: repeat(
        block("URL.PARSE", url="{< s >}"), 10, parameters={"s": "https://a.example/?" + "a=b&" * 38_000}
    ),
    "a path of 100,000 keys": lambda: {
        "parameters": {"p": "a." * 100_000 + "a"},
        "variables": {"v": {}},
        "steps": [block("DICTIONARY.SET_PATH", dictionary="{# v #}", path="{< p >}", value=1)] * 100
        + [block("DICTIONARY.GET_PATH", dictionary={}, path="{< p >}")] * 100,
    },
    "every group of a pattern, 300 times": lambda: repeat(
        block("REGEX.FIND_ALL", text="{< s >}", pattern="{< p >}"),
        300,
        parameters={"s": "ab" * 120, "p": "(a)(b)?" + "(c)?" * 90},
    ),
    "an output of all results, twenty times": lambda: {
        **repeat(block("LISTS.RANGE", start=0, stop=9_000), 20),
        "output": ["{= [s.result for s in [steps['1'], steps['2'], steps['3']]] =}"] * 20,
    },
    "a while loop whose condition copies a list": lambda: {
        "parameters": {"l": [[]] * 20_000},
        "steps": [
            {"while": "{= len([x for x in parameters.l]) > 0 =}", "max": 1_000, "do": [{"id": "a", **join()}]},
        ],
    },
    "a choice of 900 conditions over a long list": lambda: {
        "parameters": {"l": [1] * 20_000},
        "steps": [{"choose": [{"if": "{= 2 in parameters.l =}", "do": [{"id": "a", **join()}]}] * 900}],
    },
    "a try in a loop, whose catch reads a long error": lambda: {
        **LONG_TEXT,
        "steps": [
            loop(
                "{= range(1000) =}",
                {
                    "id": "t",
                    "try": [{"id": "a", "action": "LOGIC.FAIL", "parameters": {"message": "{< s >}"}}],
                    "catch": [{"id": "b", "set": {"v": "{% job.failed_step.error.message %}"}}],
                },
            )
        ],
    },
    "a poll that parses JSON until it is never there": lambda: {
        "parameters": {"s": json.dumps([{}] * 40_000)},
        "steps": [
            {
                **block("JSON.PARSE", text="{< s >}"),
                "poll": {"until": "{= len(result) < 0 =}", "every": 0, "max": 1_000},
            }
        ],
    },
    "arguments with 20,000 values of a wrong type": lambda: repeat(
        block("OBJECT.APPLY_SLICE", value=[1], slice={f"k{at}": at for at in range(15_000)}), 1
    ),
    "names of keys that are tags, in 1,000 items": lambda: {
        "parameters": {"k": "x" * 900},
        "steps": [loop("{= range(1000) =}", {"id": "a", **create([{"{< k >}" + str(at): 1 for at in range(90)}])})],
    },
    "100 waits of zero seconds": lambda: {"steps": [{"id": f"w{at}", "wait": {"seconds": 0}} for at in range(100)]},
    **FAILURES,
    **SEARCHES,
    **CONDITIONS,
    **READS,
}
"""Each of these is run, as a direct invocation."""


def _credentials() -> Job:
    names = {f"h{at}": {"secret": "s" * 200} for at in range(900)}
    return {
        "steps": [block("HTTP.REQUEST", url={"secret": "u" * 50_000}, headers=names, json=nested(30, lambda v: [v]))]
    }


VALIDATE: dict[str, Callable[[], Job]] = {
    "900 blocks whose arguments are wrong": lambda: repeat(block("LISTS.GROUP_BY", list={"a": 1}, key=[1], x=1)),
    "credentials and names of 50 KB": _credentials,
    "a choice of 900 long conditions": lambda: {
        "steps": [
            {"choose": [{"if": f"{{= {'not ' * 30}{at} =}}", "do": [{"id": "a", **join()}]} for at in range(900)]}
        ],
    },
    "900 polls of missing results": lambda: repeat(
        {**join(), "poll": {"until": "{= result.nothing[0].at.all =}", "every": 1, "max": 2}}
    ),
    "a loop over a broken expression": lambda: {
        "steps": [{"id": f"l{at}", **loop("{= [x for x in " * 20, {"id": "a", **join()})} for at in range(400)]
    },
    "300 forms with patterns and lists of values": lambda: {
        "steps": [
            {
                "id": f"w{at}",
                "wait_for": {
                    "timeout": 60,
                    "form": {"type": "object", "properties": {"a": {"enum": [f"v{n}" for n in range(60)]}}},
                },
            }
            for at in range(300)
        ]
    },
    "an output that reads 900 steps": lambda: {
        "steps": [{"id": f"s{at}", **join()} for at in range(900)],
        "output": {f"k{at}": f"{{= steps.s{at}.result + steps['s{at}'].nothing =}}" for at in range(900)},
    },
    "tries in tries in loops": lambda: {
        "steps": [
            nested_try(at)
            for at in range(100)
        ]
    },
    "a list of 20,000 look-alikes in a condition": lambda: {"steps": [{**join(), "if": ["{{ a }}"] * 20_000}]},
    "every place of a job with the same long name": lambda: {
        "parameters": {"n" * 60_000: 1},
        "variables": {"n" * 60_000: "{< " + "n" * 60_000 + " >}"},
        "steps": [join("{= parameters." + "n" * 1_900 + " =}")],
    },
}  # fmt: skip
"""Each of these is validated."""


def nested_try(at: int) -> Job:
    inner: Job = {"id": f"z{at}", **join("{: nothing :}")}
    for depth in range(3):
        inner = {"id": f"t{depth}x{at}", "try": [inner], "catch": [{"id": f"c{depth}x{at}", **join()}]}
    return {"id": f"l{at}", **loop("{= range(1000) =}", inner)}
