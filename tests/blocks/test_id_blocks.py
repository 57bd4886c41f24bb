from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.block import BudgetExceededError
from handler.engine import Conduit, Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_uuid_is_one_of_version_4_and_comes_once(run: Run) -> None:
    made = [run("ID.UUID") for _ in range(100)]

    assert len(set(made)) == 100
    assert {UUID(one).version for one in made} == {4}
    assert made[0] == str(UUID(made[0]))


@same_fixture
@given(length=st.integers(1, 50), alphabet=st.text(min_size=1, max_size=300))
def test_a_random_string_has_the_length_and_letters_of_the_alphabet(
    run: Run, call: Any, length: int, alphabet: str
) -> None:
    before = call.charged
    made = run("ID.RANDOM", length=length, alphabet=alphabet)

    assert len(made) == length
    assert set(made) <= set(alphabet)
    assert call.charged - before == length


def test_every_letter_comes_up_about_as_often(run: Run) -> None:
    made = run("ID.RANDOM", length=30_000, alphabet="abc")

    assert all(9_500 < made.count(letter) < 10_500 for letter in "abc")


@same_fixture
@given(low=st.integers(-(10**30), 10**30), span=st.integers(0, 10**30))
def test_a_random_number_is_within_its_bounds(run: Run, low: int, span: int) -> None:
    assert low <= run("ID.NUMBER", low=low, high=low + span) <= low + span


def test_both_bounds_of_a_random_number_come_up(run: Run) -> None:
    assert {run("ID.NUMBER", low=1, high=3) for _ in range(100)} == {1, 2, 3}


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("ID.RANDOM", {"length": 0}),
        ("ID.RANDOM", {"length": -1}),
        ("ID.RANDOM", {"length": 1, "alphabet": ""}),
        ("ID.NUMBER", {"low": 1, "high": 0}),
    ],
)
def test_what_leaves_no_choice_is_refused(run: Run, action: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"length|high"):
        run(action, **parameters)


def test_a_long_random_string_is_charged_before_bytes_are_drawn(run: Run, call: Any) -> None:
    call.budget = 1000
    with pytest.raises(BudgetExceededError):
        run("ID.RANDOM", length=10**15)


STEPS = [
    {"action": "ID.UUID"},
    {"action": "TIME.NOW"},
    {"action": "TIME.NEXT", "parameters": {"at": "00:00", "zone": "UTC"}},
]


def results(global_values: dict[str, Any] | None = None, runtime: Runtime | None = None) -> list[Any]:
    job = Conduit.from_dict({"steps": STEPS}, global_values=global_values)
    asyncio.run(job.run(runtime))
    return [step.return_value for step in job.steps]


def test_the_clock_and_the_random_bytes_are_those_of_the_run() -> None:
    runtime = Runtime(now=lambda: 60.0, entropy=bytes)

    assert results(runtime=runtime) == [
        "00000000-0000-4000-8000-000000000000",
        "1970-01-01T00:01:00.000Z",
        "1970-01-02T00:00:00.000Z",
    ]


def test_the_deployment_may_provide_others() -> None:
    values = {"clock": lambda: 0.0, "entropy": lambda size: b"\xff" * size}

    assert results(values)[:2] == ["ffffffff-ffff-4fff-bfff-ffffffffffff", "1970-01-01T00:00:00.000Z"]


def test_a_plain_job_has_the_systems() -> None:
    first, second = results(), results()

    assert first[0] != second[0]
    assert first[1].startswith("20")


def test_users_cannot_set_them() -> None:
    job = Conduit.from_dict({"steps": [{"action": "TIME.NOW", "parameters": {"clock__": 1}}]})
    asyncio.run(job.run())

    assert job.steps[0].status.name == "INVALID_TYPE"
