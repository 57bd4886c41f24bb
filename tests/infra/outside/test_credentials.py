"""Secrets in a call: resolved before anything is sent, only for their hosts and uses, and masked in answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.outside.errors import HttpError, HttpFailedError, HttpInvalidError, HttpRefusedError
from infra.outside.masking import MASKED, Mask
from infra.outside.secret import Secret
from tests.http.servers import Request, Server, answer, json_answer

VALUE = 'pa/ss+wörd"\\ &1'
HOSTS = frozenset({"localhost"})


def secret(value: str = "12345678", **more: Any) -> Secret:
    return Secret("key", value, **({"hosts": HOSTS} | more))


S = {"secret": "key"}


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        ({"bearer": S}, "authorization", "Bearer 12345678"),
        ({"basic": {"user": "me", "password": S}}, "authorization", "Basic bWU6MTIzNDU2Nzg="),
        ({"header": {"name": "X-Api-Key", "value": S}}, "x-api-key", "12345678"),
        (
            {"hmac": {"secret": S, "header": "X-Signature", "prefix": "sha256="}},
            "x-signature",
            "sha256=" + hmac.new(b"12345678", b'{"a": 1}', hashlib.sha256).hexdigest(),
        ),
        (
            {"hmac": {"secret": S, "header": "X-S"}},
            "x-s",
            hmac.new(b"12345678", b'{"a": 1}', hashlib.sha256).hexdigest(),
        ),
    ],
)
def test_each_kind_of_credential_sets_its_header(
    make_client: Any, send: Any, known_secrets: Any, auth: Any, name: str, value: str
) -> None:
    with Server() as server:
        known = known_secrets(secret())
        send(make_client(server.port), "POST", server.url(), secrets=known, auth=auth, content={"json": {"a": 1}})
        assert server.requests[0].headers[name] == value


def test_a_credential_may_be_in_the_query(make_client: Any, send: Any, known_secrets: Any) -> None:
    with Server() as server:
        auth = {"query": {"name": "key", "value": S}}
        known = known_secrets(secret("12 34&5678"))
        send(make_client(server.port), "GET", server.url("/?a=1&key=mine"), query={"b": 2}, secrets=known, auth=auth)
        assert server.requests[0].target == "/?a=1&b=2&key=12+34%265678"


def test_a_list_applies_all_of_them(make_client: Any, send: Any, known_secrets: Any) -> None:
    other = Secret("other", "abcdefgh", HOSTS)
    auth = [{"bearer": S}, {"header": {"name": "X-Key", "value": {"secret": "other"}}}]
    with Server() as server:
        send(make_client(server.port), "GET", server.url(), secrets=known_secrets(secret(), other), auth=auth)
        headers = server.requests[0].headers
    assert (headers["authorization"], headers["x-key"]) == ("Bearer 12345678", "abcdefgh")


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ([], "there is no secret `key`"),
        ([secret(hosts=frozenset({"other.example"}))], "may not be sent to localhost"),
        ([secret(hosts=frozenset())], "may not be sent to localhost"),
        ([secret(uses=frozenset({"url", "hmac"}))], "may not be used as `auth`"),
        ([secret("1234567\n8")], "control character"),
    ],
)
@pytest.mark.parametrize("auth", [{"bearer": S}, [{"header": {"name": "X-Key", "value": S}}]])
def test_a_secret_that_may_not_be_sent_is_not_and_nothing_else_is(
    make_client: Any, send: Any, known_secrets: Any, known: list[Secret], words: str, auth: Any
) -> None:
    with Server() as server:
        with pytest.raises(HttpRefusedError, match=words):
            send(make_client(server.port), "GET", server.url(), secrets=known_secrets(*known), auth=auth)
        assert server.connections == 0


@pytest.mark.parametrize(
    "auth",
    [
        [{"bearer": S}, {"basic": {"user": "me", "password": S}}],
        {"header": {"name": "Host", "value": S}},
        {"header": {"name": "X\r\nY", "value": S}},
        {"hmac": {"secret": S, "header": "Content-Length"}},
        {"bearer": S, "header": {"name": "X", "value": S}},
        {},
    ],
)
def test_credentials_that_cannot_be_are_invalid_and_nothing_is_sent(
    make_client: Any, send: Any, known_secrets: Any, auth: Any
) -> None:
    with Server() as server:
        with pytest.raises(HttpInvalidError):
            send(make_client(server.port), "GET", server.url(), secrets=known_secrets(secret()), auth=auth)
        assert server.connections == 0


def test_a_header_is_not_given_by_the_user_and_by_auth(make_client: Any, send: Any, known_secrets: Any) -> None:
    with Server() as server:
        with pytest.raises(HttpInvalidError, match="leave one of them out"):
            send(
                make_client(server.port),
                "GET",
                server.url(),
                headers={"authorization": "x"},
                secrets=known_secrets(secret()),
                auth={"bearer": S},
            )
        assert server.connections == 0


# ---------------------------------------------------------------------- secret URLs


def url_secret(server: Server, **more: Any) -> Secret:
    return Secret("hook", server.url("/hooks/T0K3N?x=1"), **({"hosts": HOSTS, "uses": frozenset({"url"})} | more))


def test_a_url_may_be_secret(make_client: Any, send: Any, known_secrets: Any) -> None:
    with Server() as server:
        send(
            make_client(server.port),
            "POST",
            {"secret": "hook"},
            query={"y": 2},
            secrets=known_secrets(url_secret(server)),
        )
        assert server.requests[0].target == "/hooks/T0K3N?x=1&y=2"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"uses": frozenset({"auth"})}, "may not be used as `url`"),
        ({"hosts": frozenset({"other.example"})}, "may not be sent to localhost"),
        ({"value": "no url at all"}, "is not a URL that can be called"),
        ({"value": "https://user:pass@localhost/"}, "is not a URL that can be called"),
    ],
)
def test_a_secret_url_that_may_not_be_called_is_not(
    make_client: Any, send: Any, known_secrets: Any, more: Any, words: str
) -> None:
    with Server() as server:
        made = url_secret(server)
        known = known_secrets(
            Secret("hook", more.get("value", made.value), more.get("hosts", HOSTS), more.get("uses", made.uses))
        )
        with pytest.raises(HttpRefusedError, match=words) as raised:
            send(make_client(server.port), "GET", {"secret": "hook"}, secrets=known)
        assert server.connections == 0
        assert made.value not in str(raised.value)


def test_a_secret_url_does_not_redirect_to_another_host(make_client: Any, send: Any, known_secrets: Any) -> None:
    with Server() as other, Server(lambda _: answer(307, location=f"http://127.0.0.1:{other.port}/")) as server:
        with pytest.raises(HttpRefusedError, match="not one of its hosts"):
            send(
                make_client(server.port, other.port),
                "GET",
                {"secret": "hook"},
                redirects=3,
                secrets=known_secrets(url_secret(server)),
            )
        assert other.connections == 0


def test_an_answer_that_names_the_secret_url_is_masked(make_client: Any, send: Any, known_secrets: Any) -> None:
    def echo(_: Request) -> bytes:
        return answer(404, f"nothing at {made.value}".encode(), reason=f"No {made.value}", link=made.value)

    with Server(echo) as server:
        made = url_secret(server)
        with pytest.raises(HttpRefusedError) as raised:
            send(make_client(server.port), "GET", {"secret": "hook"}, secrets=known_secrets(made))
    assert str(raised.value) == f"localhost answered 404 No {MASKED}"
    assert raised.value.details == {"status": 404, "body": f"nothing at {MASKED}"}


def test_a_part_of_a_secret_url_is_masked_unless_it_is_a_plain_word(
    make_client: Any, send: Any, known_secrets: Any
) -> None:
    words = "services abcdefghijklmnop T0123456 tokenoftheuser k=queryvalue"
    with Server(lambda _: answer(404, words.encode())) as server:
        path = "/services/T0123456/abcdefghijklmnop/tokenoftheuser?k=queryvalue"
        made = Secret("hook", server.url(path), frozenset(HOSTS), frozenset({"url"}))
        with pytest.raises(HttpRefusedError) as raised:
            send(make_client(server.port), "GET", {"secret": "hook"}, secrets=known_secrets(made))
    assert raised.value.details is not None
    assert raised.value.details["body"] == f"services {MASKED} {MASKED} tokenoftheuser {MASKED}"


# ---------------------------------------------------------------------- a new value after 401


def test_a_refused_token_is_renewed_once(make_client: Any, send: Any, known_secrets: Any) -> None:
    def respond(request: Request) -> bytes:
        return answer() if request.headers["authorization"] == "Bearer new-token" else answer(401)

    known = known_secrets(secret("old-token", renewable=True), renewed=secret("new-token", renewable=True))
    with Server(respond) as server:
        assert send(make_client(server.port), "GET", server.url(), secrets=known, auth={"bearer": S})["status"] == 200
    assert known.renewals == 1


@pytest.mark.parametrize("renewed", [None, secret("old-token", renewable=True), secret("new-token", renewable=True)])
def test_a_token_that_is_refused_again_is_a_refused_call(
    make_client: Any, send: Any, known_secrets: Any, renewed: Secret | None
) -> None:
    known = known_secrets(secret("old-token", renewable=True), renewed=renewed)
    with Server(lambda _: answer(401)) as server, pytest.raises(HttpRefusedError):
        send(make_client(server.port), "GET", server.url(), secrets=known, auth={"bearer": S})
    assert known.renewals == 1
    assert len(server.requests) <= 2


def test_a_secret_that_is_a_plain_value_is_not_renewed(make_client: Any, send: Any, known_secrets: Any) -> None:
    known = known_secrets(secret(), renewed=secret("87654321"))
    with Server(lambda _: answer(401)) as server, pytest.raises(HttpRefusedError):
        send(make_client(server.port), "GET", server.url(), secrets=known, auth={"bearer": S})
    assert (known.renewals, len(server.requests)) == (0, 1)


# ---------------------------------------------------------------------- masking


def holds(shown: Any, value: str) -> bool:
    return value in json.dumps(shown, ensure_ascii=False) or value in json.dumps(shown)


@pytest.mark.parametrize("value", [VALUE, "12345678", "tokentokentoken==", "ключ-от-всего", "a\u2028b\u2029cdefg"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream"])
def test_a_server_that_echoes_the_request_shows_no_secret(
    make_client: Any, send: Any, known_secrets: Any, value: str, kind: str
) -> None:
    def echo(request: Request) -> bytes:
        seen = {"headers": request.headers, "target": request.target, "value": value, value: [value, {"x": value}]}
        body = json.dumps(seen) if kind == "application/json" else f"{seen} {value} {json.dumps(value)}"
        data = body.encode() + (b"\xff" if kind == "application/octet-stream" else b"")
        status = int(request.target.partition("?")[0].strip("/"))
        return answer(status, data, content_type=kind, x_echo=request.headers["authorization"], x_query=request.target)

    auth: list[Any] = [{"basic": {"user": "me", "password": S}}, {"query": {"name": "key", "value": S}}]
    data = value.encode()
    forms = [value, quote(value, safe=""), base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()]
    forms += [base64.b64encode(b"me:" + data).decode(), json.dumps(value)[1:-1]]
    with Server(echo) as server:
        client, known = make_client(server.port), known_secrets(secret(value))
        shown = send(client, "GET", server.url("/200"), secrets=known, auth=auth)
        for status in (404, 503):
            with pytest.raises(HttpError) as raised:
                send(client, "GET", server.url(f"/{status}"), secrets=known, auth=auth)
            assert not any(holds([str(raised.value), raised.value.details], form) for form in forms)
    if "base64" in shown["body"]:
        shown["body"] = base64.b64decode(shown["body"]["base64"]).decode("latin-1")
        forms = [form.encode().decode("latin-1") for form in forms] + forms
    assert not any(holds(shown, form) for form in forms)


def test_a_value_that_is_cut_in_half_is_not_shown(make_client: Any, send: Any, known_secrets: Any) -> None:
    value = "s3cret-" * 100
    known = known_secrets(secret(value))
    with Server(lambda _: answer(404, value.encode() * 20)) as server, pytest.raises(HttpRefusedError) as raised:
        send(make_client(server.port, limit=1000), "GET", server.url(), secrets=known, auth={"bearer": S})
    assert "s3cret" not in str(raised.value.details)


def test_a_secret_across_the_end_of_a_shortened_body_is_not_shown(
    make_client: Any, send: Any, known_secrets: Any
) -> None:
    with (
        Server(lambda _: answer(404, b"x" * 996 + b"12345678yz")) as server,
        pytest.raises(HttpRefusedError) as raised,
    ):
        send(make_client(server.port), "GET", server.url(), secrets=known_secrets(secret()), auth={"bearer": S})
    assert raised.value.details is not None
    assert raised.value.details["body"] == "x" * 996 + MASKED + "y"


def test_a_number_that_holds_a_secret_is_masked_and_the_rest_is_left_alone(
    make_client: Any, send: Any, known_secrets: Any
) -> None:
    with Server(lambda _: json_answer('{"a": 12345678, "b": 1234567, "c": 12345678.5, "d": [true, null]}')) as server:
        known = known_secrets(secret())
        body = send(make_client(server.port), "GET", server.url(), secrets=known, auth={"bearer": S})["body"]
    assert body == {"a": MASKED, "b": 1234567, "c": MASKED, "d": [True, None]}


@given(st.text(min_size=8, max_size=40), st.text(max_size=10), st.text(max_size=10), st.text(max_size=5))
def test_no_form_of_a_value_is_left_in_a_text(value: str, before: str, after: str, user: str) -> None:
    try:
        data = value.encode()
        user_data = f"{user}:{value}".encode()
    except UnicodeEncodeError:
        return
    mask = Mask()
    mask.hide(value, user)
    forms = [value, base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode(), quote(value, safe="")]
    forms += [json.dumps(value)[1:-1], base64.b64encode(user_data).decode()]
    for form in forms:
        assert form not in mask.text(f"{before}{form}{after}") or form in MASKED + before + MASKED + after


@pytest.mark.parametrize(
    "shown",
    [
        "pw%2F%22%3Cw%C3%B6rd%3E!%26(%20)%2B",  # JavaScript: encodeURIComponent
        "pw/%22%3Cw%C3%B6rd%3E!&(%20)+",  # a whole URL, escaped
        "pw%2f%22%3cw%c3%b6rd%3e%21%26%28%20%29%2b",  # lower-case digits
        r"pw/\"\u003cwörd\u003e!\u0026( )+",  # Go
        r"pw/\u0022\u003Cw\u00F6rd\u003E!\u0026( )\u002B",  # .NET
        r"pw\/\"<w\u00f6rd>!&( )+",  # PHP
        "pw/&quot;&lt;wörd&gt;!&amp;( )+",
        'pw/"&lt;wörd&gt;!&amp;( )+',
        'pw/"<w\xc3\xb6rd>!&( )+',  # UTF-8 in a header, which is read as Latin-1
    ],
)
def test_a_value_is_masked_as_servers_in_other_languages_write_it(shown: str) -> None:
    mask = Mask()
    mask.hide('pw/"<wörd>!&( )+')
    assert mask.text(f"a {shown} b") == f"a {MASKED} b"


def test_a_header_that_echoes_a_value_beyond_ascii_is_masked(make_client: Any, send: Any, known_secrets: Any) -> None:
    def echo(request: Request) -> bytes:
        return answer(200, x_echo=request.headers["x-key"].encode("latin-1").decode())

    auth = {"header": {"name": "X-Key", "value": S}}
    with Server(echo) as server:
        known = known_secrets(secret("ключ-от-всего"))
        shown = send(make_client(server.port), "GET", server.url(), secrets=known, auth=auth)
    assert shown["headers"]["x-echo"] == MASKED


def test_a_secret_in_a_repr_is_left_out() -> None:
    assert "12345678" not in repr(secret(hidden=("abcdefgh",)))
    assert "abcdefgh" not in repr(secret(hidden=("abcdefgh",)))


def test_other_parts_of_a_secret_are_masked(make_client: Any, send: Any, known_secrets: Any) -> None:
    known = known_secrets(secret(hidden=("abcdefgh",)))
    with (
        Server(lambda _: answer(503, b"your client secret abcdefgh")) as server,
        pytest.raises(HttpFailedError) as raised,
    ):
        send(make_client(server.port), "GET", server.url(), secrets=known, auth={"bearer": S})
    assert raised.value.details["body"] == f"your client secret {MASKED}"
