"""The port at which the processes of `conduit serve` reach the embedded AWS."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

import pytest

from infra.local.door import LocalDoor


@contextmanager
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalDoor]:
    monkeypatch.setattr(BaseServer.serve_forever, "__defaults__", (0.01,))
    door = LocalDoor()
    try:
        yield door
    finally:
        door.close()


@pytest.mark.parametrize("authorization", ["", "Bearer x"])
def test_a_call_without_a_signature_is_refused(monkeypatch: pytest.MonkeyPatch, authorization: str) -> None:
    with opened(monkeypatch) as door:
        request = urllib.request.Request(door.address + "/", data=b"{}", headers={"Authorization": authorization})  # noqa: S310  # loopback
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request, timeout=10)  # noqa: S310  # as above
        with raised.value as answer:
            assert (answer.code, json.loads(answer.read())) == (403, {"__type": "MissingAuthenticationToken"})
