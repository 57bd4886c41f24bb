"""Documents of a tenant that several callers write at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from handler.workflows.workflows import TRIES
from infra.table.documents import DocumentsTable
from tests.handler.http.client import Client, expect_problem

BODIES: dict[str, Any] = {
    "/workflows/w": {"steps": []},
    "/hooks/h": {"workflow": "open", "verify": "none"},
    "/schedules/s": {"workflow": "open", "cron": "0 9 * * *"},
    "/secrets/s": {"value": "s3cr3t-v4lue", "uses": ["verify"]},
}


class Vault:
    """Keeps values as they are."""

    def seal(self, _tenant: str, _name: str, text: str) -> str:
        return text

    def forget(self, _tenant: str, _name: str) -> None:
        """There is nothing to forget."""


@pytest.fixture(autouse=True)
def _workflow(client: Client, world: Any) -> None:
    world.vault = Vault()
    assert client.send("PUT", "/workflows/open", {"steps": []}).status == 201


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Lets so many of the next calls of a method of the table lose to another writer."""

    def begin(method: str, times: int) -> None:
        wins, lost = getattr(DocumentsTable, method), iter(range(times))

        async def call(self: Any, *args: Any) -> bool:
            return False if next(lost, None) is not None else bool(await wins(self, *args))

        monkeypatch.setattr(DocumentsTable, method, call)

    return begin


@pytest.mark.parametrize("target", BODIES)
def test_a_put_that_keeps_losing_to_other_writers_is_503_and_the_next_one_succeeds(
    client: Client, lose: Callable[[str, int], None], target: str
) -> None:
    lose("write", TRIES + TRIES - 1)
    refused = client.send("PUT", target, BODIES[target])
    expect_problem(refused, 503, "unavailable")
    assert refused.headers["Retry-After"] == "1"
    expect_problem(client.get(target), 404, "not-found")
    assert client.send("PUT", target, BODIES[target]).status in {201, 204}


@pytest.mark.parametrize("target", BODIES)
def test_a_delete_that_keeps_losing_to_other_writers_is_503_and_the_next_one_succeeds(
    client: Client, lose: Callable[[str, int], None], target: str
) -> None:
    assert client.send("PUT", target, BODIES[target]).status in {201, 204}
    lose("delete", TRIES + TRIES - 1)
    refused = client.send("DELETE", target)
    expect_problem(refused, 503, "unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert client.send("DELETE", target).status == 204
    expect_problem(client.send("DELETE", target), 404, "not-found")


def test_a_firing_whose_list_other_firings_keep_writing_comes_back_later(
    client: Client, world: Any, lose: Callable[[str, int], None]
) -> None:
    client.send("PUT", "/schedules/s", BODIES["/schedules/s"])
    firing = {"schedule": {"tenant": "tenant", "id": "s", "at": "2027-01-15T09:00:00Z"}}
    world.clock.now += 3600
    lose("write", TRIES)
    assert world.receive(world.message(firing, id="m")) == ["m"]
    assert client.get("/jobs").json["jobs"] == []
    assert world.receive(world.message(firing, id="m", receives=2)) == []
    assert len(client.get("/jobs").json["jobs"]) == 1
