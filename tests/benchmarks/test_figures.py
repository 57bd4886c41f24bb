"""The figures of `make bench`: their comparison with goals, and the place where they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.answers import Answers, units
from benchmarks.chain import payload
from benchmarks.report import BEGIN, END, Goal, table, write
from benchmarks.rounds import Cell, CellFailedError, Findings, interleave, run
from handler.payload.parse import PayloadLimits, parse


def test_a_ratio_is_the_median_of_ratios_within_rounds_not_a_ratio_of_medians() -> None:
    found = Findings(
        {
            "slow": {0: {"us_per_step": 10.0}, 1: {"us_per_step": 100.0}, 2: {"us_per_step": 30.0}},
            "fast": {0: {"us_per_step": 5.0}, 1: {"us_per_step": 10.0}, 2: {"us_per_step": 10.0}},
        }
    )
    assert found.ratio("slow", "fast") == 3.0


def test_a_round_that_only_one_of_two_finished_does_not_count() -> None:
    found = Findings({"slow": {0: {"us_per_step": 10.0}, 1: {"us_per_step": 99.0}}, "fast": {0: {"us_per_step": 5.0}}})
    assert found.ratio("slow", "fast") == 2.0
    assert found.ratio("slow", "absent") is None


def test_each_round_runs_every_cell_once_and_the_seed_draws_its_order() -> None:
    cells = [Cell(str(number), ("x",)) for number in range(8)]
    first, again, other = (list(interleave(cells, rounds=2, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert [sorted(cell.name for at, cell in first if at == number) for number in (0, 1)] == [list("01234567")] * 2


def test_a_cell_that_fails_is_left_out_and_its_output_shown() -> None:
    with pytest.raises(CellFailedError, match="no_such_cell"):
        run(Cell("absent", ("benchmarks.no_such_cell",)))


@pytest.mark.parametrize(
    ("measured", "at_least", "reached"), [(6.0, True, True), (5.9, True, False), (5.9, False, True)]
)
def test_a_goal_is_a_minimum_or_a_maximum_and_meeting_it_exactly_is_enough(
    measured: float, at_least: bool, reached: bool
) -> None:
    assert Goal("x", measured, 6.0, at_least=at_least).reached is reached


def test_a_goal_without_a_measurement_is_neither_reached_nor_missed() -> None:
    assert Goal("x", None, 6.0, at_least=True).row()[-1] == "not measured"


def test_a_figure_without_a_goal_is_shown_and_neither_reached_nor_missed() -> None:
    assert Goal("x", 5.0, None, at_least=True).row() == ("x", "-", "5×", "-")  # noqa: RUF001  # times, not the letter


def test_figures_replace_only_the_lines_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write(page, table(["a"], [["1"]]))
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\n| a |\n|---|\n| 1 |\n\n{END}\nafter\n"


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no markers", encoding="utf-8")
    with pytest.raises(ValueError, match="expected the lines"):
        write(page, "figures")
    assert page.read_text(encoding="utf-8") == "no markers"


def test_the_chain_is_a_job_that_a_door_takes() -> None:
    assert len(parse(payload(3), PayloadLimits()).steps) == 3


def test_an_update_is_charged_by_the_larger_of_the_item_before_and_after() -> None:
    """As DynamoDB does; otherwise shrinking an item would look free."""
    answers = Answers()
    key = {"pk": {"S": "t#1"}, "sk": {"S": "JOB"}}
    answers.answer("PutItem", {"Item": {**key, "text": {"S": "x" * 3000}}})
    assert units({**key, "text": {"S": "x" * 3000}}) == 3
    names = {"#0": "text", "#1": "n"}
    change = {"UpdateExpression": "SET #1 = :0 REMOVE #0", "ExpressionAttributeNames": names}
    after = answers.answer("UpdateItem", {"Key": key, **change, "ExpressionAttributeValues": {":0": {"N": "1"}}})
    assert after["Attributes"] == {**key, "n": {"N": "1"}}
    assert answers.units == 6
