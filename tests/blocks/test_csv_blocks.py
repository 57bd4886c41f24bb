from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.block import BudgetExceededError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CELLS = st.text('ab ",;\n\r\té', max_size=6)


@pytest.mark.parametrize(
    ("parameters", "rows"),
    [
        ({"text": "id,name\n7,Ann\n8,Bob"}, [{"id": "7", "name": "Ann"}, {"id": "8", "name": "Bob"}]),
        ({"text": "id,name\r\n7,Ann\r\n"}, [{"id": "7", "name": "Ann"}]),
        ({"text": "\ufeffid\n7"}, [{"id": "7"}]),
        ({"text": 'q\n"say ""hi"", twice"\n'}, [{"q": 'say "hi", twice'}]),
        ({"text": 'q,r\n"two\nlines",x'}, [{"q": "two\nlines", "r": "x"}]),
        ({"text": "a;b\n1;2", "delimiter": ";"}, [{"a": "1", "b": "2"}]),
        ({"text": "a\tb\n1\t2", "delimiter": "\t"}, [{"a": "1", "b": "2"}]),
        ({"text": "1,2\n3,4", "header": False}, [["1", "2"], ["3", "4"]]),
        ({"text": "a,b\n\n1,2\n\n"}, [{"a": "1", "b": "2"}]),
        ({"text": "a,b\n1"}, [{"a": "1", "b": None}]),
        ({"text": "a,b\n,"}, [{"a": "", "b": ""}]),
        ({"text": "a,b"}, []),
        ({"text": ""}, []),
    ],
)
def test_a_table_is_read(run: Run, parameters: dict[str, Any], rows: list[Any]) -> None:
    assert run("CSV.PARSE", **parameters) == rows


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"rows": [{"id": 7, "name": "Ann"}]}, "id,name\r\n7,Ann\r\n"),
        ({"rows": [{"a": 1}, {"b": 2, "a": 3}]}, "a,b\r\n1,\r\n3,2\r\n"),
        (
            {"rows": [{"a": None, "b": True, "c": 1.5, "d": [1, {"e": "é"}]}]},
            'a,b,c,d\r\n,true,1.5,"[1, {""e"": ""é""}]"\r\n',
        ),
        ({"rows": [{"a": 1}], "header": False}, "1\r\n"),
        ({"rows": [["a", "b"], [1]]}, "a,b\r\n1\r\n"),
        ({"rows": [["a;b", 'c"d']], "delimiter": ";"}, '"a;b";"c""d"\r\n'),
        ({"rows": []}, ""),
    ],
)
def test_a_table_is_written(run: Run, parameters: dict[str, Any], text: str) -> None:
    assert run("CSV.TEXT", **parameters) == text


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"text": "a,b\n1,2,3"}, "line 2 has 3 cells"),
        ({"text": "a,a\n1,2"}, "'a' twice"),
        ({"text": 'a\n"open'}, "line 2"),
        ({"text": 'a\n"x"y'}, "line 2"),
        ({"text": "a", "delimiter": ""}, "one character"),
        ({"text": "a", "delimiter": ";;"}, "one character"),
        ({"text": "a", "delimiter": '"'}, "one character"),
        ({"text": "a", "delimiter": "\n"}, "one character"),
    ],
)
def test_an_invalid_table_is_refused(run: Run, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run("CSV.PARSE", **parameters)


@pytest.mark.parametrize("rows", [[1], [{"a": 1}, [1]], [[1], {"a": 1}], ["ab"]])
def test_rows_of_different_kinds_are_refused(run: Run, rows: list[Any]) -> None:
    with pytest.raises(ValueError, match="row"):
        run("CSV.TEXT", rows=rows)


@same_fixture
@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5), delimiter=st.sampled_from(",;\t|"))
def test_lists_come_back_as_they_were_written(run: Run, rows: list[list[str]], delimiter: str) -> None:
    text = run("CSV.TEXT", rows=rows, delimiter=delimiter)

    assert run("CSV.PARSE", text=text, header=False, delimiter=delimiter) == rows


@same_fixture
@given(rows=st.lists(st.fixed_dictionaries({"a": CELLS, "b,": CELLS}), min_size=1, max_size=5))
def test_objects_come_back_as_they_were_written(run: Run, rows: list[dict[str, str]]) -> None:
    assert run("CSV.PARSE", text=run("CSV.TEXT", rows=rows)) == rows


def test_a_cell_may_be_as_long_as_the_job_allows(run: Run) -> None:
    assert run("CSV.PARSE", text="a\n" + "x" * 200_000) == [{"a": "x" * 200_000}]


def test_a_wide_header_over_many_short_rows_is_refused_before_it_is_built(run: Run, call: Any) -> None:
    call.budget = 100_000
    header = ",".join(map(str, range(5000)))

    with pytest.raises(BudgetExceededError):
        run("CSV.PARSE", text=header + "\nx" * 5000)
    with pytest.raises(BudgetExceededError):
        run("CSV.TEXT", rows=[{str(row * 100 + key): 1 for key in range(100)} for row in range(500)])
