"""Jobs that exceed no single limit but combine several at their maximum: loops, expressions, blocks, output."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.hostile.jobs import Job, create, join, loop, nested

EMPTY_LISTS: list[Any] = [[[]] * 60] * 800
WIDE = "\U0001f600"


def block(action: str, **parameters: Any) -> Job:
    return {"action": action, "parameters": parameters, "allow_failure": True}


def set_to(value: Any, **more: Any) -> Job:
    return {"set": {"v": value}, "allow_failure": True} | more


def repeat(step: Job, count: int = 900, **more: Any) -> Job:
    return {"steps": [step] * count} | more


LONG_TEXT = {"parameters": {"s": "x" * 100_000}}
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
    "220 KB of conditions that are tags beside text": lambda: {
        "steps": [{**join(), "if": "{< a >} == 1 and " * 17 + str(at)} for at in range(550)]
    },
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
