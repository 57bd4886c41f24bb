"""The limits of all tags and expressions of a run together, and the caching of compiled ones."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from handler.engine import Runtime, step_world
from handler.engine.alarm.alarm import StepTimeout
from handler.engine.language import expression, tags
from handler.engine.language.remembered import ReadInRun, Remembered, weight_of
from handler.engine.values import copy_value

SUM = "{= sum(x for x in range(1000)) =}"  # takes some 2,000 steps


def copy(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **more}


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_world, "EVALUATION_STEPS", 50_000)


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(
    "job",
    [
        pytest.param({"steps": [copy(SUM)] * 100}, id="expressions"),
        pytest.param({"steps": [copy([SUM] * 100)]}, id="expressions of one step"),
        pytest.param({"steps": [copy(1, **{"if": SUM})] * 100}, id="conditions"),
        pytest.param({"steps": [copy(1, **{"if": ["true"] * 3_000 + [False]})] * 100}, id="parts of conditions"),
        pytest.param(
            {"parameters": {"a": "b", "b": ""}, "steps": [copy("{< {< a >} >}" * 300)] * 20}, id="tags in tags"
        ),
        pytest.param({"parameters": {"s": "x"}, "steps": [copy("{< s.0:1 >}" * 600)] * 20}, id="slices"),
        pytest.param({"steps": [{"set": {f"v{at}": SUM}} for at in range(100)]}, id="variables"),
        pytest.param({"parameters": {"a": ""}, "steps": [copy("{< a >}" * 2_000)] * 20}, id="tags in a string"),
        pytest.param({"steps": [copy([[]] * 6_000)] * 20}, id="values without a tag"),
        pytest.param(
            {
                "parameters": {"l": [0] * 10_000},
                "steps": [{"action": "LISTS.COUNT", "parameters": {"list": "{< l >}"}}] * 50,
            },
            id="lists that are copied",
        ),
        pytest.param(
            {"steps": [copy(SUM, poll={"until": "{= false =}", "every": 0, "max": 100})]}, id="calls of one block"
        ),
    ],
)  # fmt: skip
def test_all_tags_and_expressions_of_a_run_share_one_bound(run: Any, statuses: Any, job: dict[str, Any]) -> None:
    ended = run(job)
    assert "RESULT_LIMIT_EXCEED" in statuses(ended)
    assert any("more than 50,000 evaluation steps" in (step.error or {}).get("message", "") for step in ended)


FAILED_SUM = "{= sum(x for x in parameters.l) / 0 =}"
KEYS = {f"{'k' * 30}{at}": at for at in range(10, 90)}


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(
    "job",
    [
        pytest.param({"steps": [copy(FAILED_SUM, allow_failure=True)] * 100}, id="an expression"),
        pytest.param({"steps": [copy(1, **{"if": FAILED_SUM}, allow_failure=True)] * 100}, id="a condition"),
        pytest.param(
            {"steps": [copy(1, **{"if": "{< a >} == 1 and " * 15}, allow_failure=True)] * 20},
            id="the search for a condition that was meant",
        ),
        pytest.param({"steps": [{"set": {"v": FAILED_SUM}, "allow_failure": True}] * 100}, id="a variable"),
        pytest.param(
            {"steps": [copy("{= any(false for x in parameters.l for y in parameters.l) =}", allow_failure=True)] * 20},
            id="more steps than an expression may take",
        ),
        pytest.param(
            {
                "steps": [copy("{= parameters['" + "k" * 30 + "99x'] =}", allow_failure=True)] * 100,
            },
            id="the search for a key that was meant",
        ),
    ],
)
def test_what_fails_counts_for_the_run_too(run: Any, job: dict[str, Any]) -> None:
    ended = run(job | {"parameters": KEYS | {"l": [0] * 1_000}})
    assert any("more than 50,000 evaluation steps" in (step.error or {}).get("message", "") for step in ended)


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("refused", ["{= range(1000000000) =}", "{< s >}"])
def test_what_is_refused_before_it_is_made_leaves_later_steps_their_work(run: Any, statuses: Any, refused: str) -> None:
    job = {
        "parameters": {"s": "x" * 2_000_000},
        "steps": [*[copy(refused, allow_failure=True)] * 2, copy(SUM)],
    }
    assert statuses(run(job))[-1] == "DONE"


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("written", ["{% steps %}", "all: {% steps %}"])
def test_a_view_of_the_job_counts_as_more_than_a_value_of_its_size(run: Any, written: str) -> None:
    """Its parts are made when they are read."""
    measure = {"action": "OBJECT.LENGTH", "parameters": {"value": written}, "allow_failure": True}
    ended = run({"steps": [*[copy(1)] * 100, *[measure] * 8]})
    assert "more than 50,000 evaluation steps" in ended[108].error["message"]


def test_a_loop_of_a_thousand_items_with_usual_steps_stays_below_the_bound(run: Any) -> None:
    inner = [copy(f"{{= round(order.net * 1.19, 2) + {at} =}}", id=f"s{at}") for at in range(4)]
    job = {"steps": [{"id": "l", "for_each": [{"net": at} for at in range(1_000)], "as": "order", "do": inner}]}
    assert run(job).success


class SlowAlarm:
    """Makes each function take a second of the clock, unless its limit is shorter."""

    def __init__(self) -> None:
        self.time = 0.0

    def call(self, function: Any, args: Any, kwargs: Any, seconds: float) -> Any:
        self.time += min(seconds, 1.0)
        if seconds < 1.0:
            raise StepTimeout(seconds)
        return function(*args, **kwargs)

    async def wait(self, *_: Any) -> Any:
        raise AssertionError


def test_the_regular_expressions_of_all_steps_share_their_seconds(run: Any, statuses: Any) -> None:
    alarm = SlowAlarm()
    search = copy("{= matches('aa', 'a+') =}", allow_failure=True)
    job = run({"steps": [search] * 50}, Runtime(alarm=alarm, now=lambda: alarm.time))
    assert statuses(job) == ["DONE"] + ["TIME_LIMIT_EXCEED"] * 49
    assert alarm.time == step_world.PATTERN_SECONDS
    assert "a block of REGEX" in job[2].error["message"]


# ---------------------------------------------------------------------- compiled strings


def test_remembered_expressions_are_bounded_by_size() -> None:
    kept = Remembered[str](1_000)
    for at in range(100):
        kept.put(f"text {at}", "x", 90)
        assert kept.size <= 1_000
    assert kept.get("text 99") == "x"
    assert kept.get("text 1") is None
    kept.put("large", "x", 501)
    assert kept.get("large") is None


def test_a_string_that_is_asked_for_again_is_not_the_one_that_is_forgotten() -> None:
    kept = Remembered[int](1_000)
    for at in range(100):
        kept.put(f"text {at}", at, 90)
        assert kept.get("text 0") == 0
    assert kept.get("text 50") is None


def compiled(text: str) -> Any:
    pieces = tags.parse(text)
    for piece in pieces:
        if isinstance(piece, expression.Expression):
            _ = piece.program
    return pieces


@pytest.mark.parametrize(
    "text",
    [
        "{< a >}" * 5_000,
        "{% " + "a." * 5_000 + "a %}",
        "{< {< a >}.{< b >} >}" * 1_000,
        "{= 1 =}" * 2_000,
        "".join(f"{{= {at} =}}" for at in range(2_000)),
        "{= " + "+".join(["a"] * 190) + " =}",
        "{= " + "+".join(["{< a >}"] * 130) + " =}",
        "{= " + "+".join(["[x for x in a]"] * 40) + " =}",
        "{= " + " or ".join(["not a[1].b"] * 60) + " =}",
        "plain {< n >} " + "x" * 10_000,
    ],
    ids=lambda text: text[:24],
)
def test_the_weight_of_a_string_is_at_least_its_size(text: str) -> None:
    compiled("{= len(a[1].b) + sum([x for x in a]) or not 1 =}")  # warms shared caches
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        pieces = compiled(text + " ")
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert pieces
    assert taken <= weight_of(text)


def test_a_run_compiles_each_string_once_however_little_the_process_remembers(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Remembered[Any](0)
    monkeypatch.setattr(tags, "remembered", nothing)
    monkeypatch.setattr(tags, "_read_before", nothing.newer)
    read = list[str]()
    parse = tags.parse
    monkeypatch.setattr(tags, "parse", lambda text: read.append(text) or parse(text))  # type: ignore[func-returns-value]
    texts = ["{= item + 1 =}", "of {% loop.index %}", "{< a >}"]
    job = {"parameters": {"a": 1}, "steps": [{"id": "l", "for_each": list(range(50)), "do": [copy(texts, id="s")]}]}
    assert run(job).success
    assert sorted(read) == sorted(texts)


def test_an_expression_that_a_run_has_no_room_to_remember_is_read_again_and_counted() -> None:
    texts = ReadInRun[str](100, lambda text: (text.upper(), 60))
    assert texts.get("one word") == ("ONE WORD", 0)
    assert texts.get("two words") == ("TWO WORDS", 2)
    assert texts.get("one word") == ("ONE WORD", 0)


def test_keeping_a_container_counts_although_it_is_refused(run: Any) -> None:
    much = {"action": "LISTS.RANGE", "parameters": {"start": 0, "stop": 46_000}, "allow_failure": True}
    job = run({"steps": [much] * 60})
    errors = [step.error["message"] for step in job.steps]
    assert "bytes" in errors[0]
    assert "evaluation steps" in errors[-1]


def test_a_run_without_evaluation_steps_left_copies_nothing_more(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = []
    monkeypatch.setattr(tags, "copy_value", lambda value, charge: copies.append(1) or copy_value(value, charge))
    copied = {"action": "LISTS.COUNT", "parameters": {"list": "{< l >}"}, "allow_failure": True}
    job = run({"parameters": {"l": [1] * 50_000}, "steps": [copied] * 150})
    done = sum(step.error is None for step in job.steps)
    assert done <= len(copies) <= done + 1 < 150
