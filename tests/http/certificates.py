"""A certificate authority for tests, which signs servers' certificates."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.outside.pinned_connection import trusting

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


class Authority:
    """A certificate authority for tests."""

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

    @property
    def pem(self) -> str:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def trust(self) -> ssl.SSLContext:
        return trusting(ssl.create_default_context(cadata=self.pem))

    def server(self, name: str, ends: dt.datetime = NOW + DAY, *, self_signed: bool = False) -> ssl.SSLContext:
        """A server's TLS context with a certificate for this name."""
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
