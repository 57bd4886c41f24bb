"""Jobs made to cost far more than their size suggests: in memory, in time, or in the length of an error."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import Any

Job = dict[str, Any]
DIGITS = int("9" * 4_300)
"""The longest integer that JSON may hold."""


def join(value: Any = "a", **more: Any) -> Job:
    return {"action": "TEXT.JOIN", "parameters": {"text1": value, "text2": "b"} | more}


def create(values: list[Any]) -> Job:
    return {"action": "LISTS.CREATE", "parameters": {"value1": values}}


def expression(source: str, **parameters: Any) -> Job:
    return {"parameters": parameters, "steps": [create([f"{{= {source} =}}"])]}


def anagrams(count: int, length: int = 60) -> list[str]:
    """Names with the same letters: the worst case for a search for similar names."""
    chance = random.Random(1)  # noqa: S311  # the same attack each time
    letters = (string.ascii_letters + string.digits)[:length]
    return ["".join(chance.sample(letters, length)) for _ in range(count)]


def nested(depth: int, make: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = make(value)
    return value


def loop(items: Any, *steps: Job) -> Job:
    return {"for_each": items, "do": list(steps)}


def _pairs() -> Job:
    names = anagrams(500)
    return {"steps": [{"id": name, **join(f"{{: {name[::-1]} :}}")} for name in names]}


def _repeated_sets() -> Job:
    """Each variable is twice as long as the previous one."""
    sets = {f"v{at}": f"{{# v{at - 1} #}}{{# v{at - 1} #}}" for at in range(1, 40)}
    return {"variables": {"v0": "x" * 1_000}, "steps": [{"set": {name: value}} for name, value in sets.items()]}


def _doubled_results() -> Job:
    first = {"id": "s0", **create(["x" * 1_000])}
    return {
        "steps": [first, *({"id": f"s{n}", **create([f"{{: s{n - 1} :}}"] * 2)} for n in range(1, 40))],
    }


def nested_steps(depth: int, make: Callable[[Job, int], Job], innermost: Job) -> Job:
    step = {"id": "innermost", **innermost}
    for at in range(depth):
        step = make(step, at)
    return step


def sum_of(terms: int, last: int) -> str:
    return "{= " + "+".join(["1"] * terms) + f"+{last} =}}"


SEARCH = "{= matches('" + "a" * 100 + "!', '(a+)+$') =}"
MANY_STEPS = "{= sum(x * y for x in parameters.l for y in parameters.l) =}"
"""Takes about 99,000 evaluation steps for a list of 130."""


def _large_expressions() -> Job:
    """150 different expressions of 400 parts each; together they are evaluated 15,000 times."""
    sums = [sum_of(190, at) for at in range(150)]
    steps = [{"id": f"s{at}", **create(sums[at * 3 : at * 3 + 3])} for at in range(50)]
    return {"steps": [loop(list(range(100)), *steps)]}


RUN: dict[str, Callable[[], Job]] = {
    "a long string 10,000 times in a list": lambda: {
        "parameters": {"s": "x" * 100_000},
        "steps": [create(["{< s >}"] * 10_000)],
    },
    "a long string 10,000 times in a string": lambda: {
        "parameters": {"s": "x" * 100_000},
        "steps": [join("{< s >}" * 10_000)],
    },
    "a list as a string 5,000 times": lambda: {
        "parameters": {"l": list(range(10_000))},
        "steps": [join("-{< l >}" * 5_000)],
    },
    "twenty long integers 1,000 times": lambda: {
        "parameters": {f"n{at}": DIGITS - at for at in range(20)},
        "steps": [create([f"{{< n{at % 20} >}}" for at in range(1_000)])],
    },
    "long integers multiplied": lambda: expression("parameters.n * parameters.n * parameters.n", n=DIGITS),
    "a long integer 5,000 times": lambda: expression(
        "[parameters.n + 1 for x in parameters.l]", n=-DIGITS, l=[0] * 5_000
    ),
    "30 results of 50,000 empty lists": lambda: {
        "parameters": {"l": [[]] * 50_000},
        "steps": [{"id": f"s{at}", "action": "OBJECT.COPY", "parameters": {"value": "{< l >}"}} for at in range(30)],
    },
    "50,000 empty objects copied": lambda: {
        "parameters": {"l": [{}] * 50_000},
        "steps": [create(["{< l >}"] * 1_000)],
    },
    "variables that double": _repeated_sets,
    "results that double": _doubled_results,
    "a loop of 1,000 in a loop of 1,000": lambda: {
        "steps": [loop(list(range(1_000)), {"id": "in", **loop(list(range(1_000)), {"id": "a", **join()})})],
    },
    "a loop over 100,000 items": lambda: {"steps": [loop([1] * 100_000, {"id": "a", **join()})]},
    "an action of 200 KB": lambda: {"steps": [{"action": "A" * 200_000}]},
    "a parameter name of 70,000 letters": lambda: {"steps": [join(**{"é" * 70_000: 1})]},
    "a tag of 100,000 letters": lambda: {"steps": [join("{< " + "é" * 100_000 + " >}")]},
    "a key that does not exist, of 100,000 letters": lambda: expression(f"parameters['{'é' * 100_000}']"),
    "a parameter of 200 KB that the block does not have": lambda: {
        "steps": [{"action": "LOGIC.ASSERT", "parameters": {"value": False, "message": "é" * 100_000}}]
    },
    "an expression over a million pairs": lambda: expression(
        "sum(x * y for x in parameters.l for y in parameters.l)", l=list(range(1_000))
    ),
    "comprehensions in comprehensions": lambda: expression(
        "[[[x for x in parameters.l] for y in parameters.l] for z in parameters.l]", l=list(range(500))
    ),
    "a range of a billion": lambda: expression("range(1000000000)"),
    "a range of a million, summed": lambda: expression("sum(x for x in range(1000000))"),
    "join that multiplies": lambda: expression("join(parameters.l, parameters.s)", l=["a"] * 5_000, s="x" * 100_000),
    "replace that multiplies": lambda: expression(
        "replace(replace(parameters.s, 'a', parameters.s), 'a', parameters.s)", s="a" * 5_000
    ),
    "a string that doubles": lambda: expression("+".join(["parameters.s"] * 100), s="x" * 100_000),
    "a string times a number": lambda: expression("parameters.s * 1000000000", s="x"),
    "a pattern that backtracks": lambda: expression("matches('" + "a" * 1_500 + "!', '(a+)+$')"),
    "a pattern that backtracks 1,000 times": lambda: expression(
        "[matches(parameters.s, '(a|a)*b') for x in parameters.l]", s="a" * 5_000, l=[0] * 1_000
    ),
    "a pattern that is searched 2,000 times in long strings": lambda: expression(
        "[matches(parameters.s, 'b') for x in parameters.l]", s="a" * 400, l=[0] * 2_000
    ),
    "1,000 steps that search a long string": lambda: {
        "parameters": {"s": "a" * 400},
        "steps": [create(["{= matches(parameters.s, 'b') =}"])] * 1_000,
    },
    "1,000 steps whose patterns backtrack": lambda: {"steps": [{"allow_failure": True, **create([SEARCH])}] * 1_000},
    "1,000 steps of 99,000 evaluation steps": lambda: {
        "parameters": {"l": list(range(130))},
        "steps": [create([MANY_STEPS])] * 1_000,
    },
    "3,000 expressions of 99,000 evaluation steps in one step": lambda: {
        "parameters": {"l": list(range(130))},
        "steps": [create([MANY_STEPS] * 3_000)],
    },
    "a loop of 100 over 150 large expressions": _large_expressions,
    "a loop of 1,000 over 30,000 empty tags": lambda: {
        "parameters": {"a": ""},
        "steps": [loop(list(range(1_000)), {"id": "a", **join("{< a >}" * 30_000)})],
    },
    "a loop of 1,000 over 60,000 empty lists": lambda: {
        "steps": [loop(list(range(1_000)), {"id": "a", **create([[]] * 60_000)})],
    },
    "a variable set 6,000 times in one step": lambda: {
        "steps": [{"set": {"v0": 1} | {f"v{at}": f"{{= variables.v{at - 1} =}}" for at in range(1, 6_000)}}],
    },
    "a poll that is never true, in five steps": lambda: {
        "steps": [{**join(), "poll": {"until": "{= false =}", "every": 0, "max": 1_000}, "allow_failure": True}] * 5,
    },
    "a list of 5,000 wrong values under a key of 200 KB": lambda: {
        "steps": [
            {
                "action": "HTTP.GET",
                "parameters": {"url": "https://example.com", "query": {"k" * 200_000: [{}] * 5_000}},
            }
        ],
    },
    "100,000 wrong strings": lambda: {"steps": [{"action": "TEXT.JOIN_LIST", "parameters": {"list": [1] * 100_000}}]},
    "a pattern of large counts": lambda: expression("matches('a', '((a{1,1000}){1,1000}){1,1000}')"),
    "an expression of 10,000 parentheses": lambda: expression("(" * 10_000 + "1" + ")" * 10_000),
    "an expression of 50,000 minus signs": lambda: expression("-" * 50_000 + "1"),
    "50,000 sums": lambda: expression("+".join(["1"] * 50_000)),
    "an expression of 20,000 brackets": lambda: expression("[" * 20_000 + "]" * 20_000),
    "an expression of 900 parentheses": lambda: expression("(" * 900 + "1" + ")" * 900),
    "an expression of 1,900 minus signs": lambda: expression("-" * 1_900 + "1"),
    "an expression of 900 sums": lambda: expression("+".join(["1"] * 900)),
    "an expression of 900 brackets": lambda: expression("[" * 900 + "]" * 900),
    "a pattern that backtracks under a limit of 0.3 s": lambda: {
        "steps": [{"timeout": 0.3, **create(["{= matches('" + "a" * 1_500 + "!', '(a+)+$') =}"])}],
    },
    "a power": lambda: expression("9 ** 9 ** 9"),
    "a dunder": lambda: expression("().__class__.__base__.__subclasses__()"),
    "a float that overflows": lambda: expression("1e308 * 1e308"),
    "a format": lambda: expression("'{0.__class__}'.format(parameters)"),
    "JSON 100,000 deep as a value": lambda: {
        "steps": [{"action": "JSON.PARSE", "parameters": {"text": "[" * 100_000 + "]" * 100_000}}]
    },
    "a value 900 deep": lambda: {"steps": [create([nested(900, lambda value: [value])])]},
}
"""Jobs that are run by direct invocation; some are also sent over HTTP and to the queue."""

VALIDATE: dict[str, Callable[[], Job]] = {
    "500 ids that are anagrams": _pairs,
    "1,000 parameters that are anagrams": lambda: {
        "parameters": dict.fromkeys(anagrams(1_000, 40), 1),
        "steps": [join(f"{{= parameters.{name} =}}") for name in anagrams(1_000, 40)],
    },
    "1,000 blocks that do not exist": lambda: {"steps": [{"action": name} for name in anagrams(1_000)]},
    "one key of 200 KB over 5,000 bad values": lambda: {
        "steps": [join(**{"k" * 150_000: ["{< n >}"] * 5_000})],
    },
    "60,000 empty steps": lambda: {"steps": [{}] * 60_000},
    "3,000 steps": lambda: {"steps": [join()] * 3_000},
    "1,500 branches of 25 empty steps": lambda: {"steps": [{"choose": [{"if": True, "do": [{}] * 25}] * 1_500}]},
    "30,000 tags": lambda: {"parameters": {"a": 1}, "steps": [join("{< a >}" * 30_000)]},
    "30,000 bad tags": lambda: {"steps": [join("{< a >}" * 30_000)]},
    "30,000 expressions": lambda: {"steps": [join("{= 1 =}" * 30_000)]},
    "30,000 bad expressions": lambda: {"steps": [join("{= q =}" * 30_000)]},
    "openers": lambda: {"steps": [join("{= " * 80_000)]},
    "openers without spaces": lambda: {"steps": [join("{=" * 120_000)]},
    "braces": lambda: {"steps": [join("{{" * 120_000)]},
    "quotes that do not end": lambda: {"steps": [join("{= '" * 60_000)]},
    "one id 1,000 times": lambda: {"steps": [{"id": "a", **join()}] * 1_000},
    "6,000 variables in one step": lambda: {
        "steps": [{"set": {f"v{at}": f"{{= variables.v{at - 1} =}}" for at in range(6_000)}}]
    },
    "15,000 parameters that no block has": lambda: {"steps": [join(**{f"p{at}": 1 for at in range(15_000)})]},
    "steps read before they run": lambda: {
        "steps": [join("{: z :}" * 30_000), {"id": "z", "action": "LOGIC.TRUE"}],
    },
    "a form of 6,000 fields": lambda: {
        "steps": [
            {"wait_for": {"timeout": 1, "form": {"properties": {f"p{at}": {"type": "x"} for at in range(6_000)}}}}
        ]
    },
    "a pattern that backtracks, 100 times": lambda: {
        "steps": [join("{= matches('" + "a" * 1_500 + "!', '(a+)+$') =}")] * 100,
    },
    "970 steps with an expression of 190 parts each": lambda: {
        "steps": [create(["{= " + "+".join(["1"] * 90) + f"+{at} =}}"]) for at in range(970)],
    },
    "570 expressions of 400 parts": lambda: {"steps": [create([sum_of(190, at)]) for at in range(570)]},
    "127 expressions of 2,000 characters": lambda: {
        "steps": [create(["{= " + "+".join(["parameters"] * 180) + f"+{at} =}}"]) for at in range(127)],
    },
    "an output of 10,000 tags": lambda: {"parameters": {"a": 1}, "steps": [], "output": ["{< a >}"] * 10_000},
    "an output of 8,000 expressions": lambda: {
        "parameters": {"a": 1},
        "steps": [],
        "output": [f"{{= parameters.a + {at} =}}" for at in range(8_000)],
    },
    "a loop over the longest range": lambda: {
        "steps": [loop("{= range(99000) =}", {"id": "a", **create(["{= item * 2 =}"] * 200)})],
    },
    "four nested loops of 1,000": lambda: {
        "steps": [
            nested_steps(3, lambda step, at: {"id": f"l{at}", **loop("{= range(1000) =}", step)}, create([MANY_STEPS]))
        ],
    },
    "choices 30 deep": lambda: {
        "steps": [nested_steps(30, lambda step, at: {"id": f"c{at}", "choose": [{"if": True, "do": [step]}]}, join())],
    },
    "480 tries that read the failed step": lambda: {
        "steps": [
            {
                "id": f"t{at}",
                "try": [{"id": f"a{at}", **join("{: z :}")}],
                "catch": [{"id": f"b{at}", **join(f"{{% steps.t{at}.failed_step.path %}}")}],
            }
            for at in range(480)
        ],
    },
    "400 conditions of 60,000 evaluation steps": lambda: {
        "steps": [
            {"id": f"w{at}", "while": "{= sum(x for x in range(30000)) =}", "max": 1_000, "do": [{"id": "a", **join()}]}
            for at in range(400)
        ],
    },
    "a condition of 20,000 expressions": lambda: {"steps": [{**join(), "if": ["{= 1 =}"] * 20_000}]},
    "a condition of 12,000 tags with text between them": lambda: {
        "steps": [{**join(), "if": "{< a >} > 5 and " * 12_000}]
    },
    "a form of 13 levels": lambda: {
        "steps": [
            {"wait_for": {"timeout": 1, "form": nested(13, lambda v: {"type": "object", "properties": {"a": v}})}}
        ],
    },
    "a form that requires 20,000 fields": lambda: {
        "steps": [
            {"wait_for": {"timeout": 1, "form": {"type": "object", "required": [f"r{at}" for at in range(20_000)]}}}
        ],
    },
    "120 polls of 180 names": lambda: {
        "steps": [{**join(), "poll": {"until": "{= " + "+".join(["result"] * 180) + " =}", "every": 1, "max": 9}}]
        * 120,
    },
    "10,000 statuses to retry on": lambda: {
        "steps": [{**join(), "retry": {"attempts": 3, "on": [{"http": [at]} for at in range(10_000)]}}],
    },
    "15,000 options that no step has": lambda: {"steps": [{**join(), **{f"o{at}": 1 for at in range(15_000)}}]},
    "steps of all kinds at once": lambda: {
        "steps": [{"for_each": [1], "while": True, "choose": [], "try": [], "set": {}, "end": "job"}] * 1_000,
    },
    "50,000 look-alikes of tags": lambda: {"steps": [join("${a}" * 50_000)]},
    "6,000 credentials": lambda: {
        "steps": [
            {
                "action": "HTTP.GET",
                "parameters": {
                    "url": {"secret": "a"},
                    "auth": [{"bearer": {"secret": f"s{at}"}} for at in range(6_000)],
                },
            }
        ],
    },
    "a list of 5,000 wrong values under a long key": lambda: {
        "steps": [
            {"action": "HTTP.GET", "parameters": {"url": "https://a.example", "query": {"k" * 150_000: [{}] * 5_000}}}
        ],
    },
    "12,000 wrong headers": lambda: {
        "steps": [
            {
                "action": "HTTP.GET",
                "parameters": {"url": "https://a.example", "headers": {f"k{at}": {"a": 1} for at in range(12_000)}},
            }
        ],
    },
    "tags 60 deep, 600 times": lambda: {"steps": [join("{< " * 60 + "a" + " >}" * 60)] * 600},
    "2,000 merges of 5,000 keys": lambda: {
        "parameters": {"d": {f"k{at}": at for at in range(5_000)}},
        "steps": [create(["{= merge(parameters.d, parameters.d) =}"] * 2_000)],
    },
    "an operator over a million pairs, 1,000 times": lambda: {
        "parameters": {"l": list(range(1_000))},
        "steps": [join("{= sum(x * y for x in parameters.l for y in parameters.l) =}")] * 1_000,
    },
}
"""Jobs that are validated, and also sent with `handling=strict`."""

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \t\n",
    "a lone bracket": b"[",
    "100,000 brackets": b"[" * 100_000,
    "40,000 nested objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "steps 50,000 deep": b'{"steps":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a comma after the last item": b'{"steps":[1,]}',
    "a name twice": b'{"steps":[],"steps":[{}]}',
    "a comment": b'{"steps":[]/* */}',
    "single quotes": b"{'steps':[]}",
    "NaN": b'{"steps":[],"parameters":{"a":NaN}}',
    "Infinity": b'{"steps":[],"parameters":{"a":-Infinity}}',
    "a number that overflows": b'{"steps":[],"parameters":{"a":1e99999}}',
    "an integer of 200,000 digits": b'{"steps":[],"parameters":{"a":' + b"9" * 200_000 + b"}}",
    "a leading zero": b'{"steps":[],"parameters":{"a":01}}',
    "a lone surrogate": b'{"steps":[],"parameters":{"a":"\\ud800"}}',
    "a lone surrogate as a name": b'{"steps":[],"parameters":{"\\udfff":1}}',
    "a truncated escape": b'{"steps":[],"parameters":{"a":"\\u00',
    "a raw control character": b'{"steps":[],"parameters":{"a":"\x01"}}',
    "bytes that are not UTF-8": b'{"steps":[],"parameters":{"a":"\xff\xfe"}}',
    "overlong UTF-8": b'{"steps":[],"parameters":{"a":"\xc0\xaf"}}',
    "UTF-16": '{"steps":[]}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"steps":[]}',
    "two values": b'{"steps":[]}{"steps":[]}',
    "a form feed": b'\x0c{"steps":[]}',
    "a megabyte": b'{"steps":[],"parameters":{"a":"' + b"x" * 1_000_000 + b'"}}',
    "a number": b"1e400",
    "null": b"null",
}
"""Bodies that JSON parsers treat differently."""

NAUGHTY: tuple[str, ...] = (
    "",
    " ",
    "\x00",
    "\n",
    "\u202e\u2066",
    "\ufeff",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "Z̸̛͎͓̔a̵l̷g̶o̴",
    "__class__",
    "constructor",
    "__proto__",
    "null",
    "undefined",
    "NaN",
    "-1",
    "1e309",
    "../../etc/passwd",
    "%00%0a",
    "${jndi:ldap://127.0.0.1/a}",
    "$(id)",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "{< {< a >} >}",
    "{= 1 =}",
    "{: job :}",
    "JOB#x|STEP#y",
    "a" * 5_000,
    "٣",
    "ﷺ" * 100,
)


def naughty(value: str) -> Job:
    """A job with the string in every place where a user may choose one."""
    return {
        "parameters": {value: value},
        "variables": {value: value},
        "tags": {value: value},
        "steps": [{"id": value, **join(value, **{value: value})}, join(f"{{< {value} >}}{{: {value} :}}")],
    }


def naughty_id(value: str) -> Job:
    return {"id": value, "steps": [join(value)]}
