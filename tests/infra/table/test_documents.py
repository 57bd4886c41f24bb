from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infra.table.documents import Document, DocumentsTable
from infra.table.items import BY_TENANT, Items

if TYPE_CHECKING:
    from tests.infra.conftest import Drive

ONE = Document(tenant="t", kind="hook", name="one", body='{"a":1}', stamp="s1", created=1.5, updated=2.5)


def test_a_document_is_written_once_and_comes_back(items: Items, drive: Drive) -> None:
    table = DocumentsTable(items)
    assert drive(table.write(ONE, None))
    assert not drive(table.write(replace(ONE, stamp="s2"), None))
    assert drive(table.read("t", "hook", "one")) == ONE


def test_a_write_that_is_repeated_after_a_lost_reply_was_done(items: Items, drive: Drive) -> None:
    table = DocumentsTable(items)
    assert drive(table.write(ONE, None))
    assert drive(table.write(ONE, None))
    assert drive(table.delete(ONE))
    assert drive(table.delete(ONE))


def test_a_document_is_replaced_only_as_it_was_read(items: Items, drive: Drive) -> None:
    table = DocumentsTable(items)
    drive(table.write(ONE, None))
    second = replace(ONE, body="{}", stamp="s2")
    assert drive(table.write(second, ONE))
    assert not drive(table.write(replace(ONE, stamp="s3"), ONE))
    assert not drive(table.delete(ONE))
    assert drive(table.read("t", "hook", "one")) == second


def test_documents_are_written_beside_one_another_or_not_at_all(items: Items, drive: Drive) -> None:
    table = DocumentsTable(items)
    beside = replace(ONE, name="beside")
    assert drive(table.write(ONE, None, beside))
    assert not drive(table.write(replace(ONE, stamp="s2"), None, replace(beside, body="2")))
    assert drive(table.read("t", "hook", "beside")) == beside


def test_tenants_and_kinds_do_not_see_each_other(items: Items, drive: Drive) -> None:
    table = DocumentsTable(items)
    drive(table.write(ONE, None))
    assert drive(table.read("u", "hook", "one")) is None
    assert drive(table.read("t", "schedule", "one")) is None
    assert drive(table.list_after("u", "hook", None, limit=5)) == []
    assert drive(table.list_after("t", "schedule", None, limit=5)) == []


def test_a_list_goes_by_name_and_page(items: Items, drive: Drive) -> None:
    table = DocumentsTable(items)
    for name in ("c", "a", "b"):
        drive(table.write(replace(ONE, name=name), None))
    assert [one.name for one in drive(table.list_after("t", "hook", None, limit=2))] == ["a", "b"]
    assert [one.name for one in drive(table.list_after("t", "hook", "b", limit=2))] == ["c"]


def test_no_document_is_in_the_list_of_jobs(items: Items, drive: Drive) -> None:
    drive(DocumentsTable(items).write(ONE, None))
    assert drive(items.query_index(BY_TENANT, "t", limit=5)).items == ()


def test_what_was_given_up_is_gone(items: Items, drive: Drive) -> None:
    table = DocumentsTable(items)
    names = [f"n{number:03}" for number in range(30)]
    for name in names:
        drive(table.write(replace(ONE, name=name), None))
    drive(table.give_up("t", "hook", names[:29], now=1000.0))
    assert drive(table.read("t", "hook", "n000")) is None
    assert drive(table.read("t", "hook", "n029")) is not None
