"""A server must prove its name before anything is sent to it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest

from infra.outside.errors import HttpFailedError, HttpRefusedError
from infra.outside.pinned_connection import trusting, usual_trust
from tests.http.certificates import DAY, NOW, Authority
from tests.http.servers import Server, json_answer


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def test_a_server_that_proves_its_name_is_called(authority: Authority, make_client: Any, send: Any) -> None:
    with Server(lambda _: json_answer('"hello"'), tls=authority.server("localhost")) as server:
        client = make_client(server.port, trust=authority.trust())
        assert [send(client, "GET", server.url())["body"] for _ in range(3)] == ["hello"] * 3
        assert server.connections == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda a: a.server("other.example"), "Hostname mismatch"),
        (lambda a: a.server("localhost", NOW - DAY), "certificate has expired"),
        (lambda a: a.server("localhost", self_signed=True), "self-signed certificate"),
    ],
    ids=["wrong name", "expired", "self-signed"],
)
def test_a_server_that_cannot_prove_its_name_is_sent_nothing(
    authority: Authority, make_client: Any, send: Any, make: Callable[[Authority], ssl.SSLContext], words: str
) -> None:
    with Server(tls=make(authority)) as server:
        with pytest.raises(HttpFailedError, match=f"localhost cannot prove its name: {words}"):
            send(make_client(server.port, trust=authority.trust()), "POST", server.url(), content={"text": "x"})
        assert server.requests == []


def test_an_unknown_authority_is_not_trusted(authority: Authority, make_client: Any, send: Any) -> None:
    with Server(tls=authority.server("localhost")) as server:
        with pytest.raises(HttpFailedError, match="cannot prove its name"):
            send(make_client(server.port), "GET", server.url())
        assert server.requests == []


def test_a_server_that_speaks_no_tls_is_sent_nothing(make_client: Any, send: Any) -> None:
    with Server(script=lambda connection: connection.sendall(b"220 mail.example ESMTP\r\n")) as server:
        with pytest.raises(HttpFailedError, match="no connection to localhost"):
            send(make_client(server.port), "GET", server.url(scheme="https"))
        assert server.requests == []


def test_a_handshake_that_never_ends_is_a_failed_call(make_client: Any, send: Any) -> None:
    def silent(connection: Any) -> None:
        while connection.recv(65536):
            pass

    with Server(script=silent) as server, pytest.raises(HttpFailedError, match="the time is up"):
        send(make_client(server.port), "GET", server.url(scheme="https"), seconds=0.3)


def test_a_redirect_from_https_to_http_is_refused(authority: Authority, make_client: Any, send: Any) -> None:
    with Server() as plain:
        head = f"HTTP/1.1 302 Found\r\nLocation: {plain.url()}\r\nContent-Length: 0\r\n\r\n".encode()
        with Server(lambda _: head, tls=authority.server("localhost")) as server:
            client = make_client(server.port, plain.port, trust=authority.trust())
            with pytest.raises(HttpRefusedError, match="redirects from https to http"):
                send(client, "GET", server.url(), redirects=3)
        assert plain.connections == 0


def test_the_usual_trust_checks_certificates_and_names() -> None:
    context = usual_trust()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] > 50


def test_a_context_that_checks_nothing_is_not_taken() -> None:
    careless = ssl.create_default_context()
    careless.check_hostname = False
    with pytest.raises(ValueError, match="must check"):
        trusting(careless)
