"""No payload makes the engine exceed its limits: each ends in a status, soon, and within bounded memory."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest

from handler.engine import Limits, Runtime


def step(action: str, **parameters: Any) -> dict[str, Any]:
    return {"action": action, "parameters": parameters}


ATTACKS = {
    "a variable extends itself": {
        "variables": {"v": [1]},
        "steps": [step("LISTS.EXTEND", list1="{# v #}", list2="{# v #}")] * 40,
    },
    "a text doubles": {
        "variables": {"t": "x" * 1000},
        "steps": [
            s
            for n in range(40)
            for s in (
                {"id": f"j{n}", **step("TEXT.JOIN", text1="{# t #}", text2="{# t #}")},
                step("VARIABLE.SET", name="t", value=f"{{: j{n} :}}"),
            )
        ],
    },
    "a list doubles": {
        "steps": [
            {"id": "s0", **step("LISTS.CREATE", value1="x" * 1000)},
            *[
                {"id": f"s{n + 1}", **step("LISTS.MERGE", list1=f"{{: s{n} :}}", list2=f"{{: s{n} :}}")}
                for n in range(40)
            ],
        ]
    },
    "a replacement grows": {
        "steps": [
            {"id": "s0", **step("TEXT.REPLACE", text="x" * 1000, old="x", new="x" * 1000)},
            {"id": "s1", **step("TEXT.REPLACE", text="{: s0 :}", old="x", new="x" * 1000)},
        ]
    },
    "a replacement of nothing grows": {"steps": [step("TEXT.REPLACE", text="x" * 100_000, old="", new="y" * 100_000)]},
    "a large text is put into a text a thousand times": {
        "parameters": {"t": "x" * 200_000},
        "steps": [step("TEXT.CREATE", value="{< t >} " * 1000)],
    },
    "a large list is put into a list a thousand times": {
        "parameters": {"l": [0] * 50_000},
        "steps": [step("LISTS.CREATE", value1=["{< l >}"] * 1000)],
    },
    "a list is sliced a thousand times": {
        "parameters": {"l": [0] * 100_000},
        "steps": [step("LISTS.CREATE", value1="{< l" + ".::-1" * 5000 + " >}")],
    },
    "a list is appended to itself": {
        "variables": {"v": []},
        "steps": [step("LISTS.APPEND", list="{# v #}", item="{# v #}")] * 100,
    },
    "nesting is made at run time": {
        "variables": {"v": 0},
        "steps": [step("VARIABLE.SET", name="v", value=["{# v #}"])] * 1000,
    },
    "powers of powers": {
        "variables": {"n": 9},
        "steps": [step("MATH.EXP", value1=10, value2=10), step("MATH.EXP", value1=-1e308, value2=9.5)],
    },
    "products without a lower bound": {"steps": [step("MATH.MUL", value1=-1e200, value2=-1e200)]},
    "a huge integer becomes a text": {
        "steps": [
            {"id": "s0", **step("MATH.CREATE_INTEGER", value="9" * 4300)},
            {"id": "s1", **step("MATH.SUM", value1="{: s0 :}", value2="{: s0 :}")},
            step("TEXT.CREATE", value="{: s1 :}"),
        ]
    },
    "a thousand results of the largest size": {
        "parameters": {"t": "x" * 250_000},
        "steps": [step("TEXT.CREATE", value="{< t >}")] * 1000,
    },
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_ends_in_a_status_soon_and_small(run: Any, statuses: Any, attack: dict[str, Any]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()

    job = run(attack)

    # Generous limits, in CPU time of this process: an attack that succeeds takes minutes or all memory.
    assert time.process_time() - started < 10
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 64
    assert "NONE" not in statuses(job)
    assert job.success is False


def texts(length: int) -> dict[str, Any]:
    return {"parameters": {"t": "x" * length}, "steps": [step("TEXT.CREATE", value="{< t >}")]}


@pytest.mark.parametrize(("over", "status"), [(-1, "DONE"), (0, "DONE"), (1, "RESULT_LIMIT_EXCEED")])
class TestEveryLimitLetsItsSizeThroughAndNoByteMore:
    def test_a_record(self, run: Any, statuses: Any, over: int, status: str) -> None:
        assert statuses(run(texts(100 - 2 + over), Runtime(limits=Limits(record=100)))) == [status]

    def test_all_results(self, run: Any, statuses: Any, over: int, status: str) -> None:
        data = {"steps": [step("TEXT.CREATE", value="x" * 48), step("TEXT.CREATE", value="x" * (48 + over))]}
        assert statuses(run(data, Runtime(limits=Limits(results=100)))) == ["DONE", status]

    def test_all_results_that_are_numbers(
        self, run: Any, statuses: Any, make_block: Any, over: int, status: str
    ) -> None:
        give = make_block(lambda: 12345, name="give")
        limits = Limits(results=10 - over)
        assert statuses(run({"steps": [{"action": "GIVE"}] * 2}, Runtime(limits=limits), blocks=[give])) == [
            "DONE",
            status,
        ]

    def test_a_record_that_is_a_number(self, run: Any, statuses: Any, make_block: Any, over: int, status: str) -> None:
        give = make_block(lambda: -1234, name="give")
        assert statuses(
            run({"steps": [{"action": "GIVE"}]}, Runtime(limits=Limits(record=5 - over)), blocks=[give])
        ) == [status]

    def test_all_variables(self, run: Any, statuses: Any, over: int, status: str) -> None:
        # {"v":"xxx"} is 8 bytes and the string.
        data = {"steps": [step("VARIABLE.SET", name="v", value="x" * (100 - 8 + over))]}
        assert statuses(run(data, Runtime(limits=Limits(variables=100)))) == [status]

    def test_result_and_variables_of_one_record(self, run: Any, statuses: Any, over: int, status: str) -> None:
        # null, and {"set":{"v":"xxx"},"deleted":[]}
        data = {"steps": [step("VARIABLE.SET", name="v", value="x" * (100 - 4 - 29 + over))]}
        assert statuses(run(data, Runtime(limits=Limits(record=100)))) == [status]

    def test_nesting(self, run: Any, statuses: Any, over: int, status: str) -> None:
        value: Any = 1
        for _ in range(5 + over):
            value = [value]
        data = {"parameters": {"v": value}, "steps": [step("OBJECT.COPY", value="{< v >}")]}
        assert statuses(run(data, Runtime(limits=Limits(nesting=5)))) == [status]

    def test_digits(self, run: Any, statuses: Any, make_block: Any, over: int, status: str) -> None:
        give = make_block(lambda: 10 ** (4299 + over), name="give")
        assert statuses(run({"steps": [{"action": "GIVE"}]}, blocks=[give])) == [status]

    def test_what_tags_expand_to(self, run: Any, statuses: Any, over: int, status: str) -> None:
        data = {"parameters": {"t": "x" * (100 + over)}, "steps": [step("TEXT.COUNT", text="{< t >}!")]}
        assert statuses(run(data, Runtime(limits=Limits(parameters=100)))) == [status]


def test_text_that_is_not_ascii_counts_as_its_bytes(run: Any, statuses: Any) -> None:
    data = {"parameters": {"t": "ä" * 50}, "steps": [step("TEXT.CREATE", value="{< t >}")]}
    assert statuses(run(data, Runtime(limits=Limits(record=101)))) == ["RESULT_LIMIT_EXCEED"]
    assert statuses(run(data, Runtime(limits=Limits(record=102)))) == ["DONE"]


def test_a_variable_that_shrinks_gives_its_room_back(run: Any, statuses: Any) -> None:
    sizes = [80, 10, 80, 90, 91]
    data = {"steps": [step("VARIABLE.SET", name="v", value="x" * (size - 6)) for size in sizes]}
    assert statuses(run(data, Runtime(limits=Limits(variables=92)))) == ["DONE"] * 4 + ["RESULT_LIMIT_EXCEED"]


def test_a_long_error_message_is_shortened_and_says_so(run: Any, make_block: Any) -> None:
    def fail() -> None:
        raise ValueError("x" * 100_000)

    message = run({"steps": [{"action": "FAIL"}]}, blocks=[make_block(fail)])[1].error["message"]
    assert len(message) < 2_100
    assert message.endswith("(100,000 characters in all)")


def of(make_block: Any, function: Any) -> dict[str, Any]:
    """Options and one step for a job with only this block."""
    return {"steps": [{"action": "BLOCK"}], "blocks": [make_block(function, name="block")]}


def test_every_byte_that_a_block_charges_counts_and_the_error_says_how_many(run: Any, make_block: Any) -> None:
    def build(call__: Any) -> None:
        for _ in range(9):
            call__.charge(1)
        call__.charge(0)
        call__.charge(-5)
        call__.charge(2)

    assert run(of(make_block, build), Runtime(limits=Limits(record=11))).success
    job = run(of(make_block, build), Runtime(limits=Limits(record=10)))
    assert job[1].status.name == "RESULT_LIMIT_EXCEED"
    assert job[1].error["message"].endswith("would take 11 bytes; the limit is 10")


@pytest.mark.parametrize(("over", "status"), [(0, "DONE"), (1, "RESULT_LIMIT_EXCEED")])
@pytest.mark.parametrize(
    ("value", "tag", "size"),
    [
        ({"k": "x" * 50, "l": [1, 2]}, "{< p >}", 44 + (8 + 1 + 66) + (8 + 1 + 2) + (18 + 2 * 3)),
        (["x" * 50, [], {}], "{< p >}", 18 + (1 + 66) + 2 * (1 + 2) + 18 + 40),
        ([1] * 10, "{< p.0:10 >}", 2 * (18 + 10 * 3)),
        ("é" * 40, "{< p >}", 80),
        (10**99, "{< p >}", 101),
        ([10**99], "{< p >}", 18 + 1 + 106),
    ],
    ids=["dictionary", "list", "slice", "string", "integer", "list of an integer"],
)
def test_a_copy_made_by_a_tag_is_counted_by_its_strings_and_items(
    run: Any, statuses: Any, make_block: Any, value: Any, tag: str, size: int, over: int, status: str
) -> None:
    take = make_block(lambda *, value: None, name="take")  # noqa: ARG005  # only its argument matters
    data = {"parameters": {"p": value}, "steps": [{"action": "TAKE", "parameters": {"value": tag}}]}
    runtime = Runtime(limits=Limits(parameters=size - over))
    assert statuses(run(data, runtime, blocks=[take])) == [status]


def test_a_block_that_only_reads_variables_has_all_of_the_record_for_its_result(run: Any, make_block: Any) -> None:
    data = {"variables": {"v": 1}, **of(make_block, lambda job__: "x" * (97 + job__.variables["v"]))}
    assert run(data, Runtime(limits=Limits(record=100))).success


def test_each_try_and_the_condition_have_the_whole_budget_for_tags(run: Any, statuses: Any, make_block: Any) -> None:
    errors = iter([OSError, OSError, None])

    def work(*, text: str) -> int:
        if error := next(errors):
            raise error
        return len(text)

    step = {"action": "WORK", "if": "{= {< t >} + '!' =}", "parameters": {"text": "{< t >}!"}, "retry": {"delay": 0}}
    runtime = Runtime(limits=Limits(parameters=100))
    job = run({"parameters": {"t": "x" * 60}, "steps": [step]}, runtime, blocks=[make_block(work)])
    assert (statuses(job), job[1].attempts) == (["DONE"], 3)
