"""Decides which addresses a call may go to.

Lambda's runtime API listens on the loopback interface, and clouds' metadata services on link-local addresses: a
stranger who could make the function call them would get its credentials. Sources of the lists: IANA's
special-purpose address registries (RFC 6890 and its updates), and the clouds' documentation of their addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from infra.outside.errors import HttpRefusedError

_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
"""Networks inside a VPC or a company. A deployment may open them, host by host."""
_METADATA: Final = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "168.63.129.16/32", "100.100.100.200/32")
"""Link-local addresses and other metadata services. No setting opens them."""
_RESERVED: Final = (
    "0.0.0.0/8",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",  # the relay of 6to4
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",  # multicast, reserved, broadcast
    "2001::/23",  # Teredo, benchmarks, ORCHID, DNS64's and other protocol assignments
    "2001:db8::/32",
    "2002::/16",  # 6to4: contains an IPv4 address
    "3fff::/20",
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""The IPv6 addresses that IANA assigns. The mapped and translated forms are outside: ``::ffff:``, ``64:ff9b::``."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The addresses that the deployment allows for one host, besides public ones.

    Attributes:
        private: whether it may have a private address.
        loopback: whether it may be this machine; only for tests and a developer's machine.
    """

    private: bool = False
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """An address that `admit` has accepted. Only `admit` makes one, and every connection needs one.

    Attributes:
        family: the socket module's number of the address family.
        address: the address, in the form for `socket.connect`.
    """

    family: int
    address: Any


def admit(family: int, address: Any, host: str, judgement: Judgement) -> Admitted:
    """Accept an address or refuse it. Every connection is checked here before it is made, and its peer afterwards.

    Args:
        family: the socket module's number of the address family.
        address: the address in the socket module's form: a tuple whose first item is the numeric address.
        host: the name that resolved to the address, for the message.
        judgement: the addresses that the deployment allows for that name.

    Raises:
        HttpRefusedError: the address is not public, and the deployment does not allow it for this host.
    """
    kind = kind_of(str(address[0]))
    if kind == "public" or (kind == "private" and judgement.private) or (kind == "loopback" and judgement.loopback):
        return Admitted(family, address)
    what = {"private": "a private", "loopback": "a loopback", "metadata": "a link-local or metadata"}.get(
        kind, "no public"
    )
    raise HttpRefusedError(f"{host} has {what} address; only public addresses may be called")


@cache
def _networks() -> tuple[tuple[str, IPv4Network | IPv6Network], ...]:
    kinds = {"loopback": _LOOPBACK, "metadata": _METADATA, "private": _PRIVATE, "reserved": _RESERVED}
    return tuple((kind, ip_network(text)) for kind, texts in kinds.items() for text in texts)


def kind_of(text: str) -> str:
    """The kind of a numeric address: ``public``, ``private``, ``loopback``, ``metadata`` or ``reserved``."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return "reserved"  # not an address, so it cannot be allowed
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "metadata"  # an address with a zone is link-local
    for kind, network in _networks():
        if address.version == network.version and address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "reserved"
    return "public"
