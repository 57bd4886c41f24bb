"""No private host is reached, however its address is spelled, and one function alone ensures that."""

from __future__ import annotations

import socket
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from infra.outside import pinned_connection
from infra.outside.addresses import Admitted, Judgement, admit, kind_of
from infra.outside.deadline_socket import PlainSocket
from infra.outside.errors import HttpError, HttpFailedError, HttpRefusedError
from infra.outside.hosts import Reach
from infra.outside.http_client import HttpClient
from infra.outside.http_request import make_call
from infra.outside.pinned_connection import Opener
from infra.outside.resolver import Resolver
from infra.outside.secret import NoSecrets
from tests.forgery.run import make_socket, run_attempts
from tests.forgery.spellings import MALFORMED, PUBLIC, attempts
from tests.http.servers import Server, answer


def let_everything_pass(family: int, address: Any, _host: str, _judgement: Judgement) -> Admitted:
    return Admitted(family, address)


def test_no_attempt_reaches_the_canary() -> None:
    result = run_attempts()
    assert result.attempts >= 90
    assert (result.hits, result.answered, result.failed) == ([], [], [])
    assert len(result.refused) + len(result.invalid) == result.attempts


def test_without_the_one_function_that_judges_addresses_the_canary_is_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned_connection, "admit", let_everything_pass)
    result = run_attempts()
    unread = len(MALFORMED)
    assert len(result.hits) > 80
    assert len(result.hits) >= result.attempts - unread - 4


def test_every_attempt_is_another_one() -> None:
    made = attempts(1234)
    assert len(set(made)) == len(made)


def test_the_docs_say_how_many_attempts_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
    assert f"`make forgery` tries {len(attempts(1234))} ways around these rules" in page


def client(getaddrinfo: Any, port: int, **reach: Any) -> HttpClient:
    known: dict[str, Any] = {"plain": True, "ports": (port,)} | reach
    opener = Opener(Resolver(getaddrinfo), time.time, make_socket=make_socket)
    return HttpClient(Reach(**known), 1000, opener, time.time)


def get(made: HttpClient, url: str) -> dict[str, Any]:
    return made.send(make_call(method="GET", url=url, seconds=2.0), NoSecrets())


def test_a_name_that_changes_its_mind_is_asked_once_and_the_judged_address_is_called() -> None:
    asked: list[bytes] = []

    def rebinding(host: bytes, port: int, *_: Any) -> Any:
        asked.append(host)
        return [(2, 1, 6, "", (PUBLIC if len(asked) == 1 else "127.0.0.1", port))]

    with Server() as canary:
        made = client(rebinding, canary.port)
        with pytest.raises(HttpFailedError, match="refused"):  # the public address, where no server listens
            get(made, f"http://rebinding.example:{canary.port}/")
        assert asked == [b"rebinding.example"]
        with pytest.raises(HttpRefusedError, match="loopback"):
            get(made, f"http://rebinding.example:{canary.port}/")
        assert canary.connections == 0


def test_a_socket_whose_peer_is_another_is_not_used() -> None:
    """Something below us may redirect connections: the address of the peer decides."""

    class Redirected(PlainSocket):
        def connect(self, address: Any) -> None:
            super().connect(("127.0.0.1", address[1]))

    with Server() as canary:
        opener = Opener(
            Resolver(lambda _host, port, *_: [(2, 1, 6, "", (PUBLIC, port))]),
            time.time,
            make_socket=lambda _: Redirected(socket.AF_INET, socket.SOCK_STREAM),
        )
        made = HttpClient(Reach(plain=True, ports=(canary.port,)), 1000, opener, time.time)
        with pytest.raises(HttpRefusedError, match="loopback"):
            get(made, f"http://public.example:{canary.port}/")
        assert canary.requests == []


# ---------------------------------------------------------------------- hosts that the deployment allows


@pytest.mark.parametrize(
    ("address", "judgement", "passes"),
    [
        ("10.0.0.1", Judgement(private=True), True),
        ("172.31.0.1", Judgement(private=True), True),
        ("192.168.1.1", Judgement(private=True), True),
        ("100.64.0.1", Judgement(private=True), True),
        ("fd00::1", Judgement(private=True), True),
        ("127.0.0.1", Judgement(private=True), False),
        ("::1", Judgement(private=True), False),
        ("127.0.0.1", Judgement(private=True, loopback=True), True),
        ("::1", Judgement(private=True, loopback=True), True),
        ("127.0.0.1", Judgement(loopback=True), True),
        ("10.0.0.1", Judgement(loopback=True), False),
        *[(address, Judgement(private=True, loopback=True), False) for address in ("169.254.169.254", "fe80::1")],
        *[(address, Judgement(private=True, loopback=True), False) for address in ("fd00:ec2::254", "168.63.129.16")],
        *[(address, Judgement(private=True, loopback=True), False) for address in ("0.0.0.1", "::", "224.0.0.1")],
        *[(address, Judgement(private=True, loopback=True), False) for address in ("::ffff:10.0.0.1", "64:ff9b::1")],
        ("8.8.8.8", Judgement(), True),
        ("2001:4860:4860::8888", Judgement(), True),
        ("2606:4700::1111", Judgement(private=True), True),
    ],
)
def test_private_hosts_open_private_addresses_and_no_others(address: str, judgement: Judgement, passes: bool) -> None:
    if passes:
        assert admit(2, (address, 443), "h", judgement) == Admitted(2, (address, 443))
    else:
        with pytest.raises(HttpRefusedError):
            admit(2, (address, 443), "h", judgement)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
    ],
)
def test_a_network_is_closed_from_its_first_address_to_its_last_and_not_beyond(first: str, last: str) -> None:
    assert "public" not in {kind_of(first), kind_of(last)}
    assert {kind_of(str(ip_address(first) - 1)), kind_of(str(ip_address(last) + 1))} == {"public"}


@pytest.mark.parametrize("text", ["", "1", "127.1", "localhost", "0x7f.0.0.1", "1.2.3.4.5", "::g", "fe80::1%lo"])
def test_a_malformed_address_is_not_public(text: str) -> None:
    assert kind_of(text) != "public"


def test_a_private_host_is_one_by_its_name_and_not_by_its_address() -> None:
    inside = [(2, 1, 6, "", ("10.0.0.1", 0))]
    with Server() as canary:
        opened = {"private_hosts": ("*.internal", "db.example")}
        for host in ("db.example", "DB.Example.", "a.b.internal"):
            made = client(lambda _host, port, *_: [(2, 1, 6, "", ("10.0.0.1", port))], canary.port, **opened)
            assert get(made, f"http://{host}:{canary.port}/")["status"] == 200
        for host in ("internal", "db.example.evil.example", "xdb.example", "10.0.0.1"):
            with pytest.raises(HttpRefusedError):
                get(client(lambda *_: inside, canary.port, **opened), f"http://{host}:{canary.port}/")


# ---------------------------------------------------------------------- variables of the environment


def test_no_proxy_netrc_or_cookie_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_local_client: Any
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login me password mine\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Server() as canary, Server(lambda _: answer(set_cookie="session=1")) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
        made = make_local_client(server.port)
        for _ in range(2):
            get(made, server.url())
        assert canary.connections == 0
        for request in server.requests:
            assert {"authorization", "cookie", "proxy-authorization"}.isdisjoint(request.headers)
            assert request.target == "/"


@pytest.fixture
def make_local_client() -> Any:
    def make(port: int) -> HttpClient:
        reach = Reach(plain=True, ports=(port,), private_hosts=("localhost",), loopback=True)
        return HttpClient(reach, 1000, Opener(Resolver(), time.time), time.time)

    return make


def test_errors_are_those_of_the_client(make_local_client: Any) -> None:
    for url in ("http://127.0.0.1/", "http://[::1]/", "ftp://a/", "http://"):
        with pytest.raises(HttpError):
            get(make_local_client(80), url)
