"""A server has to prove its name before anything is sent to it."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.http_errors import HttpFailedError, HttpRefusedError
from infra.pinned_connection import trusting, usual_trust
from tests.http.servers import Server, json_answer

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


class Authority:
    """A certificate authority of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
        usages = {"key_cert_sign": True, "crl_sign": True, "digital_signature": True}
        others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
        usage = x509.KeyUsage(**usages, **dict.fromkeys((*others, "decipher_only"), False))
        made = self._builder(self.name, self.key.public_key(), NOW - DAY, NOW + DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = made.add_extension(usage, critical=True)
        self.certificate = made.sign(self.key, hashes.SHA256())

    def _builder(
        self, subject: x509.Name, key: Any, begins: Any, ends: Any, issuer: x509.Name | None = None
    ) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or self.name).public_key(key)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
        known = x509.SubjectKeyIdentifier.from_public_key(key)
        made = made.add_extension(known, critical=False)
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key if issuer else self.key.public_key())
        return made.add_extension(signer, critical=False)

    def trust(self) -> ssl.SSLContext:
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return trusting(ssl.create_default_context(cadata=pem))

    def server(self, name: str, ends: dt.datetime = NOW + DAY, *, self_signed: bool = False) -> ssl.SSLContext:
        """A server's side with a certificate for this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if self_signed else None
        made = self._builder(subject, key.public_key(), NOW - 10 * DAY, ends, issuer)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        certificate = made.sign(key if self_signed else self.key, hashes.SHA256())
        path = self.folder / f"{name}-{self_signed}-{ends.timestamp()}.pem"
        private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, *private)
        path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


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
