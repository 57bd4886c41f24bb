from __future__ import annotations

from typing import Any, Literal

import pytest

from blocks.block import Category, Changes, Registry
from handler.console.shown.block_page import UnknownBlockError, find_block, list_lines, page_lines


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    shop = Category("SHOP", registry=made)

    @shop.block(tags=["staff"], max_uses=2, timeout=5, effect="at_most_once")
    def refund(gateway__: object, /, *, cents: int, how: Literal["card", "cash"] = "card") -> None:
        """Give money back. It is gone then.

        More about it.
        """

    @shop.block(effect="none")
    def note(*, lines: Changes[list[str]], **others: Any) -> None:
        """Keep a note"""  # a page without a full stop

    return made


def test_the_list_has_a_line_for_each_block_with_its_first_sentence(registry: Registry) -> None:
    assert list_lines(registry) == ["SHOP.NOTE    Keep a note", "SHOP.REFUND  Give money back"]


def test_a_page_has_the_text_the_parameters_and_the_rules_of_the_deployment(registry: Registry) -> None:
    assert page_lines(registry, "shop.refund") == [
        "SHOP.REFUND",
        "",
        "  Give money back. It is gone then.",
        "",
        "  More about it.",
        "",
        "Parameters:",
        "  cents  integer                required",
        '  how    one of "card", "cash"  default "card"',
        "",
        "Tags that a job needs: staff",
        "Uses in one job: at most 2",
        "Time limit: 5 s",
        "Effect: at_most_once",
    ]


def test_the_page_leaves_out_parameters_that_users_cannot_set(registry: Registry) -> None:
    assert "gateway" not in "\n".join(page_lines(registry, "SHOP.REFUND"))


def test_a_page_marks_parameters_that_change_in_place_and_further_ones(registry: Registry) -> None:
    page = page_lines(registry, "SHOP.NOTE")

    assert "  lines        array of string  required  changed in place" in page
    assert "  (any other)  any" in page


def test_an_unknown_block_names_those_that_are_near(registry: Registry) -> None:
    with pytest.raises(UnknownBlockError, match=r"'SHOP.REFUNT'; did you mean SHOP\.REFUND"):
        find_block(registry, "SHOP.REFUNT")


def test_a_block_unlike_any_other_leads_to_the_list(registry: Registry) -> None:
    with pytest.raises(UnknownBlockError, match="`conduit blocks` lists them"):
        find_block(registry, "x")
