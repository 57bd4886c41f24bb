"""Ways to make a server call addresses that only the server can reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PUBLIC: Final = "8.8.8.8"
"""An address that may be called; in the network of this suite, no server answers there."""

LOOPBACK: Final = (
    # As one, two, three and four numbers; decimal, octal, hexadecimal and mixed.
    *("127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "127.000.000.001", "2130706433", "0x7f000001"),
    *("0X7F000001", "017700000001", "0177.0.0.1", "0177.0.0.01", "0x7f.0.0.1", "0x7f.0x0.0x0.0x1", "0x7f.1", "0177.1"),
    *("127.0x1", "127.0.0x1", "127.0.01", "0x7f.0.1", "0000177.0.0.1", "0x0000007f.1", "127.16777214", "127.0.65534"),
    *("localhost", "LOCALHOST", "LocalHost", "localhost.", "127.0.0.1.", "127.1.", "2130706433.", "0x7f.1."),
    *("0.0.0.0", "0", "0x0", "00", "0.0", "0.0.0", "0.0.0.0."),  # noqa: S104  # nothing is bound
    # In letters that IDNA turns into these.
    *("\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "127\uff0e0\uff0e0\uff0e1", "127\uff610\uff610\uff611"),
    *("\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3"),
    *("\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54", "localhost\u3002", "\U0001d7cf27.0.0.1"),
    # As IPv6.
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0001]", "[::127.0.0.1]"),
)
MAPPED: Final = (
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:0.0.0.0]"),
    *(
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::ffff:10.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[::ffff:8.8.8.8]",
    ),
)
TRANSLATED: Final = (
    *(
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b:1::127.0.0.1]",
    ),
    *(
        "[2002:7f00:1::]",
        "[2002:7f00:0001::1]",
        "[2002:a9fe:a9fe::]",
        "[2002:a00:1::]",
        "[2001:0:7f00:1::]",
        "[2001::1]",
    ),
)
INSIDE: Final = (
    *("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "167772161"),
    *("012.0.0.1", "0xa.1", "100.64.0.1", "100.127.255.255", "[fc00::1]", "[fd12:3456:789a::1]"),
)
METADATA: Final = (
    *("169.254.169.254", "169.254.170.2", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"),
    *("169.254.169.254.", "[fd00:ec2::254]", "[fd00:ec2::23]", "[fe80::1]", "168.63.129.16", "100.100.100.200"),
)
RESERVED: Final = (
    *("192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "239.255.255.255", "[ff02::1]", "[2001:db8::1]", "[100::1]", "[2001:2::1]", "[2001:10::1]"),
    *("[3fff::1]", "[fec0::1]", "[5f00::1]", "[4000::1]"),
)
DISGUISED: Final = (
    *(
        "http://127.0.0.1:{port}#@public.example/",
        "http://127.0.0.1:{port}?@public.example/",
        "HTTP://127.0.0.1:{port}/",
    ),
    *("https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://[::1]:{port}/", "http://127.1:0{port}/"),
)
"""Whole URLs that hide their destination."""
MALFORMED: Final = (
    *("http://public.example@127.0.0.1:{port}/", "http://public.example:80@127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}\\@public.example/", "http://public.example\\@127.0.0.1:{port}/"),
    *("http://127.0.0.1\t:{port}/", "http://127.0.0.1\r\n:{port}/", "http://127.0.0.1%00.public.example:{port}/"),
    *(
        "http://127%2e0%2e0%2e1:{port}/",
        "http://[::1%25lo]:{port}/",
        "http://[fe80::1%eth0]:{port}/",
        "http:127.0.0.1:{port}/",
    ),
    *("http:/127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://127.0.0.1 :{port}/"),
    *(
        "http://[127.0.0.1]:{port}/",
        "http://127..1:{port}/",
        "http://127.0.0.1:{port}:80/",
        "gopher://127.0.0.1:{port}/",
    ),
    *("file:///etc/passwd", "http://loc\u00adalhost:1{port}/"),
)
"""Strings that are not callable URLs: no parser may find an address in them."""
NAMES: Final = {
    "loopback.example": ["127.0.0.1"],
    "loopback6.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "translated.example": ["64:ff9b::7f00:1"],
    "metadata.example": ["169.254.169.254"],
    "inside.example": ["10.1.2.3"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
    "mixed-first.example": ["127.0.0.1", PUBLIC],
    "mixed6.example": [PUBLIC, "fd00::1"],
    "zone.example": ["fe80::1%eth0"],
}
"""Names whose owner pointed them to private addresses."""
REDIRECTED: Final = (
    *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://2130706433:{port}/", "http://[::1]:{port}/"),
    *("//127.0.0.1:{port}/", "http://loopback.example:{port}/", "http://169.254.169.254:{port}/latest/meta-data/"),
    *("http://[::ffff:127.0.0.1]:{port}/", "http://0x7f.1:{port}/", "http://mixed.example:{port}/"),
)
"""Targets of redirects of a server that may be called."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt.

    Attributes:
        kind: the list that it is from.
        url: with the port inserted.
        through: a server that may be called and redirects to the URL.
        secret: whether the URL comes from a secret.
    """

    kind: str
    url: str
    through: bool = False
    secret: bool = False


def attempts(port: int) -> list[Attempt]:
    """Every attempt to reach a canary on this port."""
    hosts = {"loopback": LOOPBACK, "mapped": MAPPED, "translated": TRANSLATED, "inside": INSIDE}
    hosts |= {"metadata": METADATA, "reserved": RESERVED, "name": tuple(NAMES)}
    made = [Attempt(kind, f"http://{host}:{port}/") for kind, known in hosts.items() for host in known]
    whole = {"disguised": DISGUISED, "malformed": MALFORMED}
    made += [Attempt(kind, text.replace("{port}", str(port))) for kind, known in whole.items() for text in known]
    made += [Attempt("redirect", text.replace("{port}", str(port)), through=True) for text in REDIRECTED]
    made += [Attempt("secret", f"http://{host}:{port}/hook", secret=True) for host in ("127.0.0.1", "0x7f.1", "[::1]")]
    return made
