"""Generates expressions: valid ones, invalid ones, and strings of nothing but marks."""

from __future__ import annotations

from random import Random
from typing import Final

from handler.engine.language.functions import FUNCTIONS

_ATOMS: Final = (
    "0",
    "1",
    "-7",
    "2.5",
    "1e308",
    "99999999999999999999",
    "''",
    "'abc'",
    '"a=}b"',
    "'\\n\\ud800'",
    "true",
    "false",
    "null",
    "[]",
    "{}",
    "parameters",
    "parameters.n",
    "parameters.xs",
    "parameters.o.a",
    "parameters.big",
    "parameters.s",
    "variables.w",
    "steps",
    "steps.a.result",
    "job",
    "job.failed_step.error.message",
    "loop",
    "nope",
    "x",
    "{< n >}",
    "{< nope >}",
    "{: a :}",
    "{# w #}",
    "{% job.id %}",
    "'[a-z]+'",
    "now()",
    "1j",
    "x.class",
    "__import__",
)
_OPERATORS: Final = (
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "and",
    "or",
    "**",
    "&&",
    "===",
    "|",
    "is",
)
_NAMES: Final = (*FUNCTIONS, "uper", "eval")
_SLOW: Final = ("matches", "find", "find_all", "sub")
_NOISE: Final = "{}[]()=<>:#%\"'\\. ,+-*/abc01\n\tä\u0000"


def make_expression(random: Random, depth: int = 4) -> str:
    """A random string to put between the marks."""
    if random.random() < 0.05:
        return "".join(random.choice(_NOISE) for _ in range(random.randrange(30)))
    return _make(random, depth)


def _make(random: Random, depth: int) -> str:
    if depth <= 0 or random.random() < 0.15:
        return random.choice(_ATOMS)

    def part() -> str:
        return _make(random, depth - 1)

    kind = random.randrange(12)
    if kind <= 2:
        return f"({part()} {random.choice(_OPERATORS)} {part()})"
    if kind == 3:
        return f"({part()} if {part()} else {part()})"
    if kind == 4:
        return f"[{', '.join(part() for _ in range(random.randrange(4)))}]"
    if kind == 5:
        return f"{{{', '.join(f'{part()}: {part()}' for _ in range(random.randrange(3)))}}}"
    if kind == 6:
        return f"[{part()} for x in {part()}{f' if {part()}' if random.random() < 0.3 else ''}]"
    if kind == 7:
        return f"[{part()} for x in range({random.choice(('3', '900', '99999'))}) for y in {part()}]"
    if kind == 8:
        return f"{part()}[{random.choice((part(), '0', '-1', '1:', '::2', chr(34) + 'a' + chr(34)))}]"
    if kind == 9:
        return f"{random.choice(('not ', '-', '+', '~', '!'))}{part()}"
    name = random.choice(_NAMES)
    if name in _SLOW:  # the time of a search depends on the machine; other tests cover it
        return f"{name}({part()}, '[a-z]+'{', ' + part() if name == 'sub' else ''})"
    arguments = [part() for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3)))]
    if arguments and random.random() < 0.2:
        arguments[-1] = f"{random.choice(('x', 'list', 'key', 'default', 'digits'))}={arguments[-1]}"
    elif len(arguments) == 1 and random.random() < 0.3:
        arguments[0] = f"{part()} for x in {part()}"
    return f"{name}({', '.join(arguments)})"
