"""Requests as they are sent, and answers as they are returned."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from typing import Any

import pytest

from infra.outside.errors import HttpFailedError, HttpInvalidError, HttpRefusedError, HttpTooLargeError
from infra.outside.resolver import Resolver
from infra.outside.secret import Secret
from tests.http.servers import Server, answer, json_answer


def test_a_request_carries_its_query_headers_and_body(make_client: Any, send: Any) -> None:
    with Server() as server:
        query = {"base": "EUR", "day": [1, True, None, "ä b&c"], "none": None, "half": 0.5}
        send(
            make_client(server.port),
            "POST",
            server.url("/a b?x=1#part"),
            query=query,
            headers={"X-Number": 12, "X-Left-Out": None},
            content={"json": {"cents": 1200, "who": "ä"}},
        )
        [request] = server.requests
    assert request.line == "POST /a%20b?x=1&base=EUR&day=1&day=true&day=%C3%A4+b%26c&half=0.5 HTTP/1.1"
    assert json.loads(request.body) == {"cents": 1200, "who": "ä"}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-number"] == "12"
    assert "x-left-out" not in request.headers
    assert request.headers["host"] == f"localhost:{server.port}"


@pytest.mark.parametrize(
    ("content", "kind", "body"),
    [
        ({"form": {"a": [1, "x y"], "b": None}}, "application/x-www-form-urlencoded", b"a=1&a=x+y"),
        ({"text": "grüße"}, "text/plain; charset=utf-8", "grüße".encode()),
        ({"base64": "AAH/"}, "application/octet-stream", b"\x00\x01\xff"),
        ({"json": None}, "application/json", b"null"),
        ({}, None, b""),
    ],
)
def test_each_kind_of_body_has_its_type(
    make_client: Any, send: Any, content: Any, kind: str | None, body: bytes
) -> None:
    with Server() as server:
        send(make_client(server.port), "POST", server.url(), content=content)
        [request] = server.requests
    assert (request.headers.get("content-type"), request.body) == (kind, body)
    assert request.headers["content-length"] == str(len(body))


def test_a_header_of_the_user_takes_the_place_of_a_usual_one(make_client: Any, send: Any) -> None:
    with Server() as server:
        send(
            make_client(server.port),
            "POST",
            server.url(),
            headers={"content-type": "a/b", "user-agent": "me"},
            content={"text": "x"},
        )
        [request] = server.requests
    assert (request.headers["content-type"], request.headers["user-agent"]) == ("a/b", "me")


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Host": "x"}, "set by the client"),
        ({"content-LENGTH": "1"}, "set by the client"),
        ({"Transfer-Encoding": "chunked"}, "set by the client"),
        ({"Connection": "close"}, "set by the client"),
        ({"X-A": "1\r\nHost: x"}, "line break"),
        ({"X-A": "1\nx"}, "line break"),
        ({"X-A\r\nB": "1"}, "name of a header"),
        ({"X A": "1"}, "name of a header"),
        ({"": "1"}, "name of a header"),
        ({"X-A": "1", "x-a": "2"}, "twice"),
        ({"X-A": "☃"}, "letter"),
        ({f"X-{number}": "1" for number in range(33)}, "at most 32"),
    ],
)
def test_a_header_that_cannot_be_sent_is_invalid(make_client: Any, send: Any, headers: Any, words: str) -> None:
    with pytest.raises(HttpInvalidError, match=words):
        send(make_client(), "GET", "https://example.com/", headers=headers)


def test_thirty_two_headers_are_sent(make_client: Any, send: Any) -> None:
    with Server() as server:
        send(make_client(server.port), "GET", server.url(), headers={f"X-{number}": "1" for number in range(32)})
        assert "x-31" in server.requests[0].headers


@pytest.mark.parametrize(("size", "fits"), [(262_143, True), (262_144, True), (262_145, False)])
def test_a_body_has_at_most_256_kb(make_client: Any, send: Any, size: int, fits: bool) -> None:
    with Server() as server:
        client = make_client(server.port)
        if fits:
            send(client, "POST", server.url(), content={"text": "x" * size})
            assert len(server.requests[0].body) == size
        else:
            with pytest.raises(HttpInvalidError, match="at most 262,144"):
                send(client, "POST", server.url(), content={"text": "x" * size})


@pytest.mark.parametrize(
    "fields",
    [
        {"query": {"q": "\ud800"}},
        {"query": {"\ud800": 1}},
        {"content": {"text": "\ud800"}},
        {"content": {"json": {"a": "\ud800"}}},
        {"content": {"form": {"a": "\ud800"}}},
    ],
)
def test_half_of_a_surrogate_pair_cannot_be_sent(make_client: Any, send: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(HttpInvalidError, match="half of a surrogate pair"):
        send(make_client(), "POST", "http://localhost:9/", **fields)


def test_two_bodies_are_invalid(make_client: Any, send: Any) -> None:
    with pytest.raises(HttpInvalidError, match="one body"):
        send(make_client(), "POST", "https://example.com/", content={"text": "", "form": {}})


@pytest.mark.parametrize(
    ("kind", "body", "given"),
    [
        ("application/json", b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ("application/problem+json; charset=utf-8", b'"x"', "x"),
        ("application/json", '{"a": "ä"}'.encode("utf-16"), {"base64": None}),
        ("application/json;charset=utf-16", '{"a": "ä"}'.encode("utf-16"), {"a": "ä"}),
        ("application/json", b"\xef\xbb\xbf[1]", [1]),
        ("application/json", b"not json", "not json"),
        ("application/json", b"[NaN]", "[NaN]"),
        ("application/json", b"[1e999]", "[1e999]"),
        ("application/json", b'["\\ud800"]', '["\\ud800"]'),
        ("application/json", b'["\\ud83d\\ude00"]', ["😀"]),
        ("application/json", b"[" * 100_000, "[" * 100_000),
        ("application/json", b"", ""),
        ("text/html; charset=ISO-8859-1", b"gr\xfc\xdfe", "grüße"),
        ("text/plain", "grüße".encode(), "grüße"),
        ("text/plain; charset=rot13", b"abc", "abc"),
        ("text/plain; charset=idna", b"abc", "abc"),
        ("image/png", b"\x89PNG\xff", {"base64": "iVBOR/8="}),
        ("", b"plain", "plain"),
    ],
)
def test_a_body_is_json_where_the_type_says_so_else_text_else_base64(
    make_client: Any, send: Any, kind: str, body: bytes, given: Any
) -> None:
    with Server(lambda _: answer(body=body, content_type=kind)) as server:
        result = send(make_client(server.port), "GET", server.url())
    if given == {"base64": None}:
        assert result["body"].keys() == {"base64"}
    else:
        assert result["body"] == given


def test_names_of_headers_are_in_lower_case_and_repeated_ones_are_joined(make_client: Any, send: Any) -> None:
    raw = b'HTTP/1.1 204 No Content\r\nX-One: a\r\nx-one: b\r\nETag: "q"\r\n\r\n'
    with Server(lambda _: raw) as server:
        result = send(make_client(server.port), "GET", server.url())
    assert result == {"status": 204, "headers": {"x-one": "a, b", "etag": '"q"'}, "body": ""}


def test_the_answer_to_head_has_no_body(make_client: Any, send: Any) -> None:
    with Server(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n") as server:
        assert send(make_client(server.port), "HEAD", server.url())["body"] == ""


@pytest.mark.parametrize("status", [100 + 100 * n + m for n in (1, 2, 3, 4) for m in (0, 8, 9, 22, 25, 29)])
def test_an_unexpected_status_is_refused_or_may_be_tried_again(make_client: Any, send: Any, status: int) -> None:
    with Server(lambda _: answer(status, b"sorry " * 500, reason="Odd")) as server:
        client = make_client(server.port)
        if 200 <= status <= 299:
            assert send(client, "GET", server.url())["status"] == status
        else:
            again = status in {408, 425, 429} or status >= 500
            with pytest.raises(HttpFailedError if again else HttpRefusedError) as raised:
                send(client, "GET", server.url())
            assert raised.value.details == {"status": status, "body": ("sorry " * 500)[:1000]}
            assert str(raised.value) == f"localhost answered {status} Odd"
        assert send(client, "GET", server.url(), expect=[status])["status"] == status


def test_only_an_expected_status_is_a_success(make_client: Any, send: Any) -> None:
    with Server() as server, pytest.raises(HttpRefusedError):
        send(make_client(server.port), "GET", server.url(), expect=[201, 404])


@pytest.mark.parametrize(
    ("status", "text", "seconds"),
    [
        (429, "120", 120.0),
        (503, "0", 0.0),
        (503, "Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        (503, "Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        (500, "120", None),
        (429, "soon", None),
        (429, "-5", None),
        (429, "", None),
    ],
)
def test_a_service_that_asks_to_wait_is_heard(
    make_client: Any, send: Any, status: int, text: str, seconds: float | None
) -> None:
    with Server(lambda _: answer(status, retry_after=text)) as server, pytest.raises(HttpFailedError) as raised:
        send(make_client(server.port, now=lambda: 1_445_412_480.0), "GET", server.url())
    assert raised.value.retry_after == seconds


# ---------------------------------------------------------------------- compression and size


def deflated(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


@pytest.mark.parametrize(
    ("encoding", "compressed"),
    [
        ("gzip", gzip.compress(b"hello " * 1000)),
        ("GZIP", gzip.compress(b"hello " * 500) + gzip.compress(b"hello " * 500)),
        ("x-gzip", gzip.compress(b"hello " * 1000) + b"\0" * 100),
        ("deflate", zlib.compress(b"hello " * 1000)),
        ("deflate", deflated(b"hello " * 1000)),
    ],
    ids=["gzip", "two members", "padded", "zlib", "raw"],
)
def test_compression_is_undone(make_client: Any, send: Any, encoding: str, compressed: bytes) -> None:
    with Server(lambda _: answer(body=compressed, content_encoding=encoding)) as server:
        assert send(make_client(server.port), "GET", server.url())["body"] == "hello " * 1000


@pytest.mark.parametrize("spoil", [lambda data: data[:-20], lambda data: b"\x1f\x8b" + data[:1] * 50])
def test_damaged_compression_is_a_failed_call(make_client: Any, send: Any, spoil: Any) -> None:
    body = spoil(gzip.compress(bytes(range(256)) * 40))
    with Server(lambda _: answer(body=body, content_encoding="gzip")) as server, pytest.raises(HttpFailedError):
        send(make_client(server.port), "GET", server.url())


@pytest.mark.parametrize(("size", "fits"), [(999, True), (1000, True), (1001, False)])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_answer_may_be_as_large_as_the_limit(
    make_client: Any, send: Any, size: int, fits: bool, encoding: str
) -> None:
    body = b"x" * size if encoding == "identity" else gzip.compress(b"x" * size)
    with Server(lambda _: answer(body=body, content_encoding=encoding)) as server:
        client = make_client(server.port, limit=1000)
        if fits:
            assert send(client, "GET", server.url())["body"] == "x" * size
        else:
            with pytest.raises(HttpTooLargeError, match="larger than 1,000 bytes"):
                send(client, "GET", server.url())


def test_a_decompression_bomb_is_stopped_while_it_is_read(make_client: Any, send: Any) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with Server(lambda _: answer(body=bomb, content_encoding="gzip")) as server, pytest.raises(HttpTooLargeError):
        send(make_client(server.port), "GET", server.url())


def test_a_body_that_never_ends_is_stopped_at_the_limit(make_client: Any, send: Any) -> None:
    sent = 0

    def pour(connection: Any) -> None:
        nonlocal sent
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent < 1_000_000_000:
            sent += connection.send(b"x" * 1_000_000)

    with Server(script=pour) as server, pytest.raises(HttpTooLargeError):
        send(make_client(server.port), "GET", server.url())
    assert sent < 50_000_000


def test_compressed_nothing_without_end_is_too_much(make_client: Any, send: Any) -> None:
    member = gzip.compress(b"")
    endless = answer(body=member * 200_000, content_encoding="gzip")
    with Server(lambda _: endless) as server, pytest.raises(HttpTooLargeError):
        send(make_client(server.port, limit=1000), "GET", server.url())


def test_endless_headers_are_a_failed_call(make_client: Any, send: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 60_000) for n in range(5)) + b"\r\n"
    with Server(lambda _: [head]) as server, pytest.raises(HttpTooLargeError):
        send(make_client(server.port), "GET", server.url())


def test_an_error_with_a_huge_body_shows_how_it_begins(make_client: Any, send: Any) -> None:
    with Server(lambda _: answer(404, b"x" * 5000)) as server, pytest.raises(HttpRefusedError) as raised:
        send(make_client(server.port, limit=2000), "GET", server.url())
    assert raised.value.details == {"status": 404, "body": "x" * 1000}


# ---------------------------------------------------------------------- redirects


def test_a_redirect_is_followed_as_often_as_is_said(make_client: Any, send: Any) -> None:
    def respond(request: Any) -> bytes:
        left = int(request.target.strip("/"))
        return answer(302, location=f"/{left - 1}") if left else json_answer('"there"')

    with Server(respond) as server:
        client = make_client(server.port)
        assert send(client, "GET", server.url("/3"), redirects=3)["body"] == "there"
        with pytest.raises(HttpRefusedError) as raised:
            send(client, "GET", server.url("/4"), redirects=3)
        assert raised.value.details == {"status": 302, "body": ""}
        with pytest.raises(HttpRefusedError):
            send(client, "POST", server.url("/1"))
        assert send(client, "GET", server.url("/1"), expect=[302])["status"] == 302


@pytest.mark.parametrize(
    ("status", "method", "after"),
    [
        *[(301, "POST", "GET"), (302, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST"), (308, "PUT", "PUT")],
        *[(302, "PUT", "PUT"), (303, "HEAD", "HEAD"), (301, "GET", "GET")],
    ],
)
def test_a_redirect_changes_the_method_as_browsers_do(
    make_client: Any, send: Any, status: int, method: str, after: str
) -> None:
    with Server(lambda r: answer(status, location="/there") if r.target == "/" else answer()) as server:
        content = {} if method in {"GET", "HEAD"} else {"text": "hello"}
        send(make_client(server.port), method, server.url(), redirects=1, content=content)
        second = server.requests[1]
    kept = b"hello" if content and after == method else b""
    assert (second.method, second.body, second.headers.get("content-type") is not None) == (after, kept, bool(kept))


def test_credentials_go_to_the_first_origin_alone(make_client: Any, send: Any, known_secrets: Any) -> None:
    with Server() as other, Server(lambda _: answer(302, location=f"http://127.0.0.1:{other.port}/b")) as first:
        secrets = known_secrets(Secret("key", "12345678", frozenset({"localhost", "127.0.0.1"})))
        send(
            make_client(first.port, other.port),
            "GET",
            first.url("/a"),
            redirects=2,
            secrets=secrets,
            auth=[{"header": {"name": "X-Key", "value": {"secret": "key"}}}],
            headers={"Authorization": "mine", "cookie": "mine", "X-Plain": "kept"},
        )
        sent, then = first.requests[0].headers, other.requests[0].headers
    assert (sent["x-key"], sent["authorization"], sent["cookie"]) == ("12345678", "mine", "mine")
    assert {"x-key", "authorization", "cookie"}.isdisjoint(then)
    assert then["x-plain"] == "kept"


def test_credentials_do_not_come_back_with_a_redirect_from_elsewhere(
    make_client: Any, send: Any, known_secrets: Any
) -> None:
    with Server() as other:

        def respond(request: Any) -> bytes:
            return answer(302, location=f"http://127.0.0.1:{other.port}/") if request.target == "/a" else answer()

        with Server(respond) as first:
            other.respond = lambda _: answer(302, location=first.url("/chosen-by-the-other"))
            secrets = known_secrets(Secret("key", "12345678", frozenset({"localhost"})))
            auth = {"bearer": {"secret": "key"}}
            client = make_client(first.port, other.port)
            send(client, "GET", first.url("/a"), redirects=3, secrets=secrets, auth=auth)
            assert [("authorization" in r.headers) for r in first.requests] == [True, False]


@pytest.mark.parametrize(
    "location",
    [
        "ftp://localhost/",
        "http://user@localhost/",
        "http://[::1",
        "//",
        "https://",
        "http://localhost:99999/",
        "http://a b/",
        "/back\\slash",
    ],
)
def test_a_redirect_to_where_no_call_can_go_is_refused(make_client: Any, send: Any, location: str) -> None:
    with Server(lambda _: answer(302, location=location)) as server, pytest.raises(HttpRefusedError) as raised:
        send(make_client(server.port), "GET", server.url(), redirects=3)
    assert raised.value.details["status"] == 302


# ---------------------------------------------------------------------- connections


def test_a_connection_is_used_again_for_the_same_place(make_client: Any, send: Any) -> None:
    with Server(lambda _: json_answer("1")) as server:
        client = make_client(server.port)
        for _ in range(3):
            send(client, "GET", server.url())
        assert server.connections == 1
        send(client, "GET", f"http://127.0.0.1:{server.port}/")
        assert server.connections == 2


def test_a_connection_that_ended_meanwhile_is_replaced(make_client: Any, send: Any) -> None:
    with Server() as server:
        client = make_client(server.port)
        send(client, "POST", server.url())
        server.drop()
        send(client, "POST", server.url())
        assert (server.connections, len(server.requests)) == (2, 2)


def test_a_kept_connection_that_closes_on_a_request_is_replaced_once(make_client: Any, send: Any) -> None:
    closing = False

    def respond(_: Any) -> bytes | list[bytes]:
        return [] if closing else answer()

    with Server(respond) as server:
        client = make_client(server.port)
        send(client, "POST", server.url())
        closing = True
        with pytest.raises(HttpFailedError):
            send(client, "POST", server.url())
        assert (server.connections, len(server.requests)) == (2, 3)


def test_a_new_connection_that_closes_early_is_a_failed_call_and_nothing_is_sent_again(
    make_client: Any, send: Any
) -> None:
    with Server(lambda _: []) as server, pytest.raises(HttpFailedError, match="no answer from localhost"):
        send(make_client(server.port), "POST", server.url())
    assert len(server.requests) == 1


def test_a_connection_that_was_idle_for_long_is_not_used(make_client: Any, send: Any) -> None:
    now = 1000.0
    with Server() as server:
        client = make_client(server.port, now=lambda: now)
        send(client, "GET", server.url())
        now += 51
        send(client, "GET", server.url())
        assert server.connections == 2


def test_bytes_that_no_request_asked_for_are_not_taken_for_an_answer(make_client: Any, send: Any) -> None:
    def respond(_: Any) -> bytes:
        return json_answer('"mine"') + json_answer('"planted"')

    with Server(respond) as server:
        client = make_client(server.port)
        assert [send(client, "GET", server.url())["body"] for _ in range(3)] == ["mine"] * 3


@pytest.mark.parametrize(
    "broken",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhel"],
        [b"SSH-2.0-OpenSSH\r\n"],
        [b"HTTP/1.1 abc OK\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000],
        [b"\0" * 100],
    ],
)
def test_half_an_answer_is_a_failed_call(make_client: Any, send: Any, broken: list[bytes]) -> None:
    with Server(lambda _: broken) as server, pytest.raises(HttpFailedError):
        send(make_client(server.port), "GET", server.url())


def test_a_port_without_a_listener_is_a_failed_call(make_client: Any, send: Any) -> None:
    with socket.socket() as bound:  # reserves the port without listening
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(HttpFailedError, match="refused"):
            send(make_client(port), "GET", f"http://localhost:{port}/")


def test_a_name_without_an_address_is_a_failed_call(make_client: Any, send: Any) -> None:
    def unknown(*_: Any) -> Any:
        raise OSError(-2, "Name or service not known")

    for resolver in (Resolver(unknown), Resolver(lambda *_: [])):
        with pytest.raises(HttpFailedError, match=r"nowhere\.example has no address"):
            send(make_client(resolver=resolver), "GET", "https://nowhere.example/")


# ---------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    "url",
    [
        *["", "example.com", "/path", "https://", "https:///x", "https:example.com", "https://exa mple.com/"],
        *["https://a..b/", "https://-a.com/", "https://[::1", "https://[1.2.3.4]/", "https://::1/", "https://a:b/"],
        *["https://a:99999/", "https://a:-1/", "https://u@a.com/", "https://u:p@a.com/", "https://a.com\\@b.com/"],
        *["https://a.com/\r\nX: y", "https://a.com/\x00", "https://a%2ecom/", "https://" + "a" * 64 + ".com/"],
        *["https://a.com/" + "x" * 2000, "https://faß.de/", "https://a.com/\ud800", "https://a,b/", "mailto:x"],
        *["https://:443/", "https://[v1.x]/"],
    ],
)
def test_a_malformed_url_is_invalid(make_client: Any, send: Any, url: str) -> None:
    with pytest.raises(HttpInvalidError):
        send(make_client(plain=False), "GET", url)


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("http://example.com/", {"plain": False}),
        ("ftp://example.com/", {}),
        ("file:///etc/passwd", {}),
        ("gopher://example.com/", {}),
        ("https://example.com:22/", {}),
        ("https://example.com:0/", {}),
        ("https://other.com/", {"hosts": ("example.com", "*.example.com")}),
        ("https://example.com.evil.com/", {"hosts": ("example.com", "*.example.com")}),
        ("https://evilexample.com/", {"hosts": ("example.com", "*.example.com")}),
    ],
)
def test_a_scheme_port_or_host_that_is_not_allowed_is_refused(
    make_client: Any, send: Any, url: str, reach: Any
) -> None:
    with pytest.raises(HttpRefusedError):
        send(make_client(**reach), "GET", url)


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost.", "\uff4cocalhos\uff54", "localhost\u3002", "loCalhOst"])
def test_hosts_are_compared_in_one_spelling(make_client: Any, send: Any, host: str) -> None:
    with Server() as server:
        send(make_client(server.port, hosts=("LocalHost.",)), "GET", f"http://{host}:{server.port}/")
        assert server.requests[0].headers["host"] == f"localhost:{server.port}"
