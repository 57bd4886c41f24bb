"""Decides which hosts and ports a deployment's jobs may call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from infra.outside.addresses import Judgement
from infra.outside.errors import HttpInvalidError, HttpRefusedError

PORTS: Final = frozenset({80, 443, 8443})
"""Ports that are always allowed."""
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_NAME: Final = 253
_AMBIGUOUS: Final = re.compile("[\u00df\u03c2\u200c\u200d]")
"""Letters that the two versions of IDNA encode differently, so that one name could mean two domains."""


@dataclass(frozen=True)
class Reach:
    """The hosts and ports that jobs may call.

    Attributes:
        plain: whether ``http`` is allowed besides ``https``.
        ports: more ports.
        hosts: globs (``*``, ``?``) of the hosts that may be called.
        private_hosts: globs of the hosts that may have private addresses.
        loopback: whether those hosts may also have loopback addresses. Never on Lambda, whose runtime API listens
            there.
    """

    plain: bool = False
    ports: tuple[int, ...] = ()
    hosts: tuple[str, ...] = ("*",)
    private_hosts: tuple[str, ...] = ()
    loopback: bool = False

    def judge(self, scheme: str, host: str, port: int) -> Judgement:
        """Check whether the host may be called, and return which addresses it may have.

        Raises:
            HttpRefusedError: the scheme, the port or the host is not allowed.
        """
        if scheme != "https" and not (scheme == "http" and self.plain):
            raise HttpRefusedError(f"{scheme} is not allowed; use https")
        if port not in PORTS and port not in self.ports:
            raise HttpRefusedError(f"port {port} is not allowed")
        if not self._hosts(host):
            raise HttpRefusedError(f"this deployment does not allow calls of {host}")
        private = bool(self._private_hosts(host))
        return Judgement(private=private, loopback=private and self.loopback)

    @cached_property
    def _hosts(self) -> _Globs:
        return _Globs(self.hosts)

    @cached_property
    def _private_hosts(self) -> _Globs:
        return _Globs(self.private_hosts)


class _Globs:
    """Tells whether a host matches at least one of the globs."""

    def __init__(self, globs: Iterable[str]) -> None:
        parts = [_glob(glob) for glob in globs]
        self._pattern = re.compile("|".join(parts)) if parts else None

    def __call__(self, host: str) -> bool:
        return self._pattern is not None and self._pattern.fullmatch(host) is not None


def _glob(glob: str) -> str:
    wild = "*" in glob or "?" in glob
    text = glob.strip().rstrip(".").lower() if wild else canonical_host(glob.strip().strip("[]"))
    return "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in text)


def canonical_host(host: str) -> str:
    """The host in the form for comparing and resolving: lower case, IDNA, no final dot; IPv6 without brackets.

    Raises:
        HttpInvalidError: the string cannot be a host.
    """
    if ":" in host:
        return _canonical_ipv6(host)
    if not host.isascii():
        host = _to_ascii(host)
    name = host.lower().removesuffix(".")
    if not name or len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, name.split("."))):
        raise HttpInvalidError("the URL has no valid host")
    return name


def _to_ascii(host: str) -> str:
    if _AMBIGUOUS.search(host):
        raise HttpInvalidError("the host has letters that can mean two different domains; write it as xn--…")
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise HttpInvalidError("the URL has no valid host") from None


def _canonical_ipv6(host: str) -> str:
    from ipaddress import IPv6Address  # noqa: PLC0415  # few URLs name one

    address, zone, _ = host.partition("%")
    try:
        canonical = IPv6Address(address).compressed
    except ValueError:
        raise HttpInvalidError("the URL has no valid IPv6 address") from None
    if zone:
        raise HttpRefusedError("an address with a zone is link-local; only public addresses may be called")
    return canonical
