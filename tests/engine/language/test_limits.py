"""The limits of one expression: characters, parts, steps, bytes, levels and digits; and hostile expressions."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from blocks.block import BudgetExceededError
from handler.engine.language import access
from handler.engine.language.expression import Expression
from handler.engine.language.json_values import hand_over
from handler.engine.language.meter import NO_WORLD, ExpressionError, Meter, NoWorld
from handler.engine.language.source import Scanner
from handler.engine.language.tags import parse, read, resolve

Evaluate = Callable[..., Any]
Excess = Callable[..., str]


class Ledger:
    """A budget that records what was charged."""

    def __init__(self, limit: int = 1 << 20) -> None:
        self.limit = limit
        self.taken = 0

    def charge(self, size: int) -> None:
        if self.taken + size > self.limit:
            raise BudgetExceededError("too much")
        self.taken += size


def test_an_expression_may_have_two_thousand_characters(evaluate: Evaluate, excess: Excess) -> None:
    assert len(evaluate(f"'{'a' * 1996}'")) == 1996
    assert "2,001 characters" in excess(f"'{'a' * 1997}'")


def test_an_expression_has_four_hundred_parts(evaluate: Evaluate, excess: Excess) -> None:
    assert len(evaluate(f"[{'1,' * 399}]")) == 399
    assert "more than 400 parts" in excess(f"[{'1,' * 400}]")


def test_an_expression_takes_a_hundred_thousand_steps(evaluate: Evaluate, excess: Excess) -> None:
    assert len(evaluate("[0 for x in parameters.l]", parameters={"l": [0] * 48_000})) == 48_000
    assert "100,000 evaluation steps" in excess("[0 for x in parameters.l]", parameters={"l": [0] * 50_001})


def test_64_bytes_that_are_read_or_compared_are_a_step() -> None:
    for text, steps in (("a == b", 10_000), ("a in c", 20_000), ("a < b", 10_000), ("len(upper(a))", 10_000)):
        ledger, world = Ledger(1 << 24), _Counter()
        contexts = {"a": "x" * 640_000, "b": "x" * 640_000, "c": "x" * 640_000 + "y"}
        resolve(f"{{= {text} =}}", contexts, ledger.charge, world)
        assert abs(world.total - steps) < 10, text


def count_steps(text: str, **contexts: Any) -> int:
    """The evaluation steps of an expression, which may fail."""
    world = _Counter()
    with suppress(ExpressionError, BudgetExceededError):
        resolve(f"{{= {text} =}}", contexts, Ledger(1 << 30).charge, world)
    return world.total


@pytest.mark.parametrize("text", ["[1 for x in l for y in []]", "any(y for x in l for y in [])"])
def test_a_loop_over_nothing_takes_steps_each_time_it_begins(text: str) -> None:
    assert count_steps(text, l=[0] * 1_000) >= 4_000


@pytest.mark.parametrize(
    ("text", "passes"), [("n in s", 1), ("contains(s, n)", 1), ("split(s, n)", 2), ("replace(s, n, '')", 2)]
)
@pytest.mark.parametrize(("length", "part"), [(2_400, 1_000), (20_000, 80), (3_000, 2_400)])
def test_a_search_takes_steps_for_the_values_that_it_compares(text: str, passes: int, length: int, part: int) -> None:
    """Python compares such a part at each place of the string, nearly to its end."""
    needle = "a" * (part - 2) + "ba"
    assert count_steps(text, s="a" * length, n=needle) >= passes * part * (length - part) // 512


def test_a_long_part_of_a_long_string_is_searched_in_linear_time() -> None:
    assert count_steps("n in s", s="a" * 200_000, n="a" * 5_000 + "b") < 30_000


def test_what_an_expression_has_read_before_it_fails_takes_steps() -> None:
    long = "1" * 200_000
    assert count_steps("int(s, 0)", s=f"{long}x") > 200_000 * 4 // 64
    assert count_steps("split(s)", s="a " * 100_000) > 99_000
    assert count_steps("sum(x for x in range(10000)) / 0") > 20_000
    assert count_steps("range(1000000000)") < 10  # it was refused, not made


def test_values_that_are_written_to_be_compared_take_steps_for_that() -> None:
    """One empty list among others takes as long as some six numbers."""
    assert count_steps("unique(l)", l=[[]] * 1_000) >= 6_000
    assert count_steps("count(l, [])", l=[[]] * 1_000) >= 2_000
    assert count_steps("json(l)", l=[10**4_000 + at for at in range(20)]) >= 20 * 13_000 // 64


def test_a_missing_key_that_has_a_default_is_compared_with_no_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"{'k' * 30}{at}": at for at in range(10, 90)}
    missing = "default(d['" + "k" * 30 + "99x'], 0)"
    compared: list[str] = []
    monkeypatch.setattr(access, "closest", lambda key, _: compared.append(key))
    assert count_steps(f"[{missing} for x in range(100)]", d=known) < 1_000
    assert compared == []
    assert count_steps("d['" + "k" * 30 + "99x']", d=known) > 10 * 30 * 80  # a hint for the user, counted
    assert len(compared) == 1


class _Counter(NoWorld):
    """Adds up the steps, and never reads the clock."""

    def __init__(self) -> None:
        self.total = 0

    @property
    def spent(self) -> int:  # type: ignore[override]
        return 0

    @spent.setter
    def spent(self, steps: int) -> None:
        self.total += steps


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("parameters.s + parameters.s", 200),
        ("upper(parameters.s)", 100),
        ("replace(parameters.s, 'x', 'yy')", 300),
        ("join([parameters.s, parameters.s], ',')", 201),
        ("range(100)", 902),
        ("[parameters.s for x in range(3)]", 218),
        ("split(parameters.s, 'x')", 405),
        ("json([parameters.s])", 102),
        ("str(parameters.l)", 100),
    ],
)
def test_an_expression_charges_a_value_before_it_builds_it(
    evaluate: Evaluate, excess: Excess, text: str, size: int
) -> None:
    parameters = {"s": "x" * 100, "l": [1] * 50}
    evaluate(text, parameters=parameters, budget=size * 4)
    excess(text, parameters=parameters, budget=size - 1)


def test_what_is_handed_over_costs_nothing_twice() -> None:
    ledger = Ledger()
    resolve("{= parameters.s + 'y' =}", {"job": {"parameters": {"s": "x" * 1000}}}, ledger.charge)
    assert ledger.taken == 1001


def test_what_is_only_read_is_charged_when_it_is_handed_over() -> None:
    for text, least in (("l", 3_000), ("s", 1_000), ("{'a': s}", 1_000), ("[l, l]", 6_000), ("b", 4_000)):
        ledger = Ledger()
        resolve(f"{{= {text} =}}", {"l": [1] * 1000, "s": "x" * 1000, "b": 10**4299}, ledger.charge)
        assert least <= ledger.taken <= least * 1.1 + 20, text


def test_values_nest_32_deep(evaluate: Evaluate, excess: Excess) -> None:
    assert evaluate("[" * 32 + "]" * 32) is not None
    assert "deeper than 32" in excess("[" * 33 + "]" * 33)
    assert "deeper than 32" in excess(f"parse_json('{'[' * 33}{']' * 33}')")
    assert "deeper than 32" in excess(f"json({'[' * 33}{']' * 33})")
    for levels in (33, 5_000, 20_000):  # Python's own parser gives up at a depth that depends on its version
        assert "deeper than 32" in excess("parse_json(parameters.s)", parameters={"s": "[" * levels + "]" * levels})


def test_integers_have_4300_digits(evaluate: Evaluate, excess: Excess) -> None:
    most = {"n": 10**4300 - 1}
    assert evaluate("parameters.n", parameters=most) == 10**4300 - 1
    for text in ("parameters.n + 1", "-parameters.n - 1", "parameters.n * parameters.n", "sum([parameters.n, 1])"):
        assert "4,300 digits" in excess(text, parameters=most), text
    assert "4,300 digits" in excess("parameters.l", parameters={"l": [10**4300]})
    assert "4,300 digits" in excess("int(parameters.s)", parameters={"s": "9" * 4301})
    assert "4,300 digits" in excess("int('1e4300')")
    assert "4,300 digits" in excess("int('1e99999999999999999999')")
    assert "4,300 digits" in excess("parse_json(parameters.s)", parameters={"s": "9" * 4301})


def test_an_integer_too_large_for_a_float_is_refused_where_a_float_is_needed(refusal: Callable[..., str]) -> None:
    large = {"n": 10**310}
    assert "too large to be added to a float" in refusal("sum([0.5, parameters.n])", parameters=large)
    assert "too large for a number" in refusal("round(parameters.n, 2)", parameters=large)


@pytest.mark.parametrize("use", ["resolve", "as_text", "truth"])
def test_an_expression_too_deep_for_the_stack_exceeds_its_limit(use: str) -> None:
    expression = read(f"{{= {'-' * 200}n =}}")
    assert isinstance(expression, Expression)
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 150)
    try:
        with pytest.raises(BudgetExceededError, match="nested too deep"):
            getattr(expression, use)({"n": 1}, Ledger().charge)
    finally:
        sys.setrecursionlimit(before)


def test_half_of_a_surrogate_pair_is_refused(refusal: Callable[..., str]) -> None:
    assert "surrogate" in refusal("'\\ud800'")
    assert "surrogate" in refusal("{'a': ['\\ud800']}")
    assert "surrogate" in refusal("{'\\ud800': 1}")


def test_try_does_not_catch_limits(excess: Excess) -> None:
    excess("try(range(1000000000), 0)")
    excess("default(range(1000000000), 0)")
    excess("parse_json(parameters.s, 0)", parameters={"s": "9" * 4301})


HOSTILE = [
    "range(1000000000)",
    "range(999999999999999999999)",
    "[a for a in range(300) for b in range(300) for c in range(300) for d in range(300)]",
    "sum(sum(sum(1 for c in range(300)) for b in range(300)) for a in range(300))",
    "any(false for a in range(400) for b in range(400))",
    "{str(a * 400 + b): 1 for a in range(400) for b in range(400)}",
    "replace(" * 20 + "'aa'" + ", 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')" * 20,
    "join([join([join(['a' for a in range(99)]) for b in range(99)]) for c in range(99)])",
    "[y for x in [range(9000)] for y in [[x, x, x, x, x, x, x, x, x, x] for i in range(9)]]",
    "json([[range(900) for a in range(10)] for b in range(90)])",
    "[parameters.big * parameters.big for x in range(50000)]",
    "[parameters.big + x for x in range(50000)]",
    "[parameters.big // 7 for x in range(90000)]",
    "[str(parameters.big) for x in range(9000)]",
    "unique([i * 2305843009213693951 for i in range(90000)])",
    "[x for x in range(900) if x in range(900)]",
    "sorted([parameters.s + str(i) for i in range(900)])",
    "[parameters.s == parameters.s[0:9999] + 'x' for i in range(9000)]",
    "[contains(parameters.s, 'ab') for i in range(9000)]",
    "[parse_json(parameters.j) for i in range(900)]",
    "[upper(parameters.s) for i in range(900)]",
    "[split(parameters.s, 'a') for i in range(900)]",
    "[parameters.s[1:] for i in range(900)]",
    "[keys(parameters) for i in range(40000)]",
    "[job for i in range(30000)]",
    "[steps for i in range(90000)]",
    "flatten([range(900) for i in range(900)])",
    "[fixed(parameters.big, 2) for i in range(9000)]",
    "[group(parameters.rows, 'k') for i in range(9000)]",
    "-" * 1990 + "1",
    "(" * 900 + "1" + ")" * 900,
    "[" * 900 + "]" * 900,
    "not " * 450 + "1",
    "1" + "+1" * 900,
    "x" + ".a" * 900,
    "x" + "[0]" * 600,
    "'a'" + " if 1 else 'a'" * 140,
    "1" + "<1" * 900,
    "[" + "lambda:" * 200 + "1]",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:50])
def test_a_hostile_expression_ends_within_its_steps_and_its_bytes(text: str) -> None:
    parameters = {
        "big": 10**4000, "s": "a" * 100_000, "j": json.dumps([[1]] * 10_000),
        "rows": [{"k": str(i)} for i in range(99)],
    }  # fmt: skip
    ledger = Ledger()
    with pytest.raises((BudgetExceededError, ValueError)):
        resolve(f"{{= {text} =}}", {"job": {"parameters": parameters}, "steps": {}}, ledger.charge)
    assert ledger.taken <= 1 << 20


@pytest.mark.parametrize(
    "text",
    [
        "().__class__.__bases__[0].__subclasses__()",
        "''.__class__",
        "''['__class__']",
        "parameters.__class__",
        "parameters['__class__']",
        "job.__init__",
        "job._job",
        "steps.__getitem__('a')",
        "len.__globals__",
        "__import__('os')",
        "eval('1')",
        "open('/etc/passwd')",
        "getattr(job, '_job')",
        "'{0.__class__}'.format(job)",
        "'%s' % job",
        "globals()",
        "[c for c in ''.__class__.__mro__]",
        "type('X', (), {})",
        "print(1)",
        "exec('1')",
        "parameters.items()",
        "get(job, '_job')['x']",
        "get(job, '__class__')['x']",
        "('a').join(['b'])",
        "{}.get('a')",
        "now.__self__",
        "[].append(1)",
        "9**9**9",
        "'a' * 9999999",
        "[0] * 9999999",
        "1 << 99999",
        "vars()",
        "self",
        "__builtins__",
    ],
)
def test_nothing_reaches_python(refusal: Callable[..., str], text: str) -> None:
    assert refusal(text).startswith("column ")


def test_finding_the_end_of_an_expression_is_linear() -> None:
    looked = 0

    class Counting(str):
        __slots__ = ()

        def startswith(self, *arguments: Any) -> bool:  # type: ignore[override]
            nonlocal looked
            looked += 1
            return super().startswith(*arguments)

    for part in ("{= ", "{= '", "{= ' \" ", "{= '\\", "{= {< a ", "{= = ", "'{= \"", "{= 'a' "):
        text = Counting(part * 3000)
        looked = 0
        scanner = Scanner(text, lambda _: None)
        position = text.find("{= ")
        while position >= 0:
            scanner.read(position)
            position = text.find("{= ", position + 1)
        assert looked <= 4 * len(text), part
        parse(part * 3000)


def test_a_value_that_holds_one_list_many_times_is_charged_for_each() -> None:
    value: Any = [1] * 1000
    for _ in range(16):
        value = [value, value]
    ledger = Ledger()
    with pytest.raises(BudgetExceededError):
        hand_over(value, Meter(ledger.charge, NO_WORLD))
    assert ledger.taken <= 1 << 20
