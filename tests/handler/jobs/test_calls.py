"""The idempotency keys of a job's calls, which stay the same when the process that makes them dies."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from blocks.block import REGISTRY
from handler.outside import Outside
from infra.outside.hosts import Reach
from infra.outside.http_client import HttpClient
from infra.outside.pinned_connection import Opener
from infra.outside.resolver import Resolver
from infra.outside.secret import NoSecrets
from tests.handler.conftest import drive
from tests.http.servers import Request, Server, answer, json_answer


@pytest.fixture
def service(world: Any) -> Iterator[Server]:
    """A service on the loopback that the world's jobs may call."""
    with Server(lambda _: json_answer("1")) as server:
        reach = Reach(plain=True, ports=(server.port,), private_hosts=("localhost",), loopback=True)
        client = HttpClient(reach, 1000, Opener(Resolver(), time.time), time.time)
        world.tenants = []
        world.outside = Outside(REGISTRY, lambda: client, lambda tenant: world.tenants.append(tenant) or NoSecrets())
        yield server
        client.close()


def post(server: Server, **more: Any) -> dict[str, Any]:
    return {"id": "post", "action": "HTTP.REQUEST", "parameters": {"url": server.url()}, **more}


def keys(server: Server) -> list[str]:
    return [request.headers["idempotency-key"] for request in server.requests]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_crash_between_a_call_and_its_record_sends_the_same_key_again(world: Any, service: Server) -> None:
    def respond(_: Request) -> bytes:
        if len(service.requests) == 1:
            world.crash()
        return json_answer("1")

    service.respond = respond
    with pytest.raises(BaseException):  # noqa: B017, PT011  # the process dies
        world.submit(post(service), {"action": "PROBE.WORK"}, id="j")
    world.restart()
    world.recover()
    assert world.statuses("j") == ["DONE", "DONE"]
    assert keys(service) == [digest("tenant/j/1/post")] * 2


def test_a_redrive_sends_another_key(world: Any, service: Server) -> None:
    service.respond = lambda _: answer(200 if len(service.requests) > 1 else 422)
    assert world.submit(post(service), id="j").job["status"] == "FAILED"
    drive(world.jobs.redrive(world.caller, "j"))
    world.drain_queue()
    assert world.statuses("j") == ["DONE"]
    assert keys(service) == [digest("tenant/j/1/post"), digest("tenant/j/2/post")]


def test_the_secrets_of_a_call_are_those_of_the_jobs_tenant(world: Any, service: Server) -> None:
    auth = {"auth": {"bearer": {"secret": "unknown"}}}
    step = post(service, parameters={"url": service.url()} | auth)
    assert world.submit(step, id="j").job["steps"][0]["status"]["name"] == "CALL_REFUSED"
    assert (world.tenants, service.connections) == (["tenant"], 0)


def test_a_service_that_asks_to_wait_is_called_again_after_that_time(world: Any, service: Server) -> None:
    service.respond = lambda _: answer(503, retry_after="120") if len(service.requests) == 1 else json_answer("1")
    world.submit(post(service, retry={"attempts": 3, "delay": 1}), id="j", life=30)
    began = world.clock.now
    assert len(service.requests) == 1
    world.drain_queue()
    assert (world.statuses("j"), len(service.requests)) == (["DONE"], 2)
    assert world.clock.now - began >= 119
