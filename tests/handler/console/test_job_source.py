from __future__ import annotations

import io
from pathlib import Path

import pytest

from handler.console.job_source import JobText, UnreadableError, read_jobs


def test_jobs_come_in_the_order_in_which_they_were_named(tmp_path: Path) -> None:
    first, second = tmp_path / "b.json", tmp_path / "a.json"
    first.write_text('{"name": "first"}')
    second.write_text('{"name": "second"}')

    jobs = list(read_jobs([str(first), str(second)]))

    assert jobs == [JobText(str(first), '{"name": "first"}'), JobText(str(second), '{"name": "second"}')]


def test_a_stream_has_one_job_a_line_and_each_knows_its_line() -> None:
    stream = io.BytesIO(b'{"name": "one"}\n\n  \n{"name": "two"}')

    assert list(read_jobs(["-"], stream)) == [JobText("-:1", '{"name": "one"}\n'), JobText("-:4", '{"name": "two"}')]


def test_a_stream_is_read_as_its_jobs_are_asked_for() -> None:
    stream = io.BytesIO(b"{}\n{}\n")

    next(read_jobs(["-"], stream))

    assert stream.tell() == 3


def test_a_missing_file_is_named_before_any_job_is_given(tmp_path: Path) -> None:
    there = tmp_path / "there.json"
    there.write_text("{}")

    with pytest.raises(UnreadableError, match=r"missing\.json: No such file or directory$"):
        read_jobs([str(there), str(tmp_path / "missing.json")])


def test_a_file_that_is_not_json_is_reported_with_the_place(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{\n  "name": }')

    with pytest.raises(UnreadableError, match=r"broken\.json:2:11: The text is not JSON"):
        read_jobs([str(broken)])


def test_bytes_that_are_not_text_are_refused_and_not_replaced(tmp_path: Path) -> None:
    broken = tmp_path / "latin.json"
    broken.write_bytes(b'{"name": "\xe9"}')

    with pytest.raises(UnreadableError, match="UTF-8"):
        read_jobs([str(broken)])
    [job] = read_jobs(["-"], io.BytesIO(b'{"name": "\xe9"}'))
    with pytest.raises(UnicodeEncodeError):
        job.text.encode()


def test_a_byte_order_mark_is_not_part_of_the_job(tmp_path: Path) -> None:
    marked = tmp_path / "marked.json"
    marked.write_bytes(b"\xef\xbb\xbf{}")

    assert [job.text for job in read_jobs([str(marked)])] == ["{}"]
