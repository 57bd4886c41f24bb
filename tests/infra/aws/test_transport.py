"""The transport of botocore's requests: connections are kept, answers read whole, and errors are botocore's own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.regions import EndpointRulesetResolver

from infra.aws import transport as aws_transport
from infra.aws.clients import Clients
from infra.aws.transport import MOST_IDLE, AwsTransport
from tests.http.certificates import DAY, NOW, Authority
from tests.http.servers import Server, answer


class Usual(URLLib3Session):  # type: ignore[misc]  # botocore ships no types
    """Botocore's own session, which records its requests."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Any] = []
        self.closed = False

    def send(self, request: Any) -> Any:
        self.sent.append(request)

    send.__module__ = URLLib3Session.send.__module__

    def close(self) -> None:
        self.closed = True


def transport(seconds: float = 1.0, ca_bundle: Path | None = None, usual: Usual | None = None) -> AwsTransport:
    return AwsTransport(
        usual or Usual(),
        connect_timeout=seconds,
        read_timeout=seconds,
        ca_bundle=None if ca_bundle is None else str(ca_bundle),
    )


def request(url: str, body: bytes = b"{}", method: str = "POST", **headers: str) -> Any:
    made = AWSRequest(method=method, url=url, data=body, headers={"X-Amz-Target": b"T.GetItem", **headers})
    return made.prepare()


def replies(*pieces: bytes) -> Callable[[socket.socket], None]:
    """A server that reads a request, sends these bytes, and closes the connection."""

    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)

    return script


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(lambda asked: answer(body=asked.body, x_amzn_requestid="7")) as server:
        yield server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


# ---------------------------------------------------------------------- requests and connections


def test_a_request_arrives_as_it_was_signed_and_its_answer_comes_back(server: Server) -> None:
    got = transport().send(request(server.url("/a%20b?x=1"), b'{"n":1}', Authorization="AWS4 ä"))
    (asked,) = server.requests
    assert asked.line == "POST /a%20b?x=1 HTTP/1.1"
    assert asked.headers == {
        "host": f"localhost:{server.port}",
        "accept-encoding": "identity",
        "x-amz-target": "T.GetItem",
        "authorization": "AWS4 ä",
        "content-length": "7",
    }
    assert (got.status_code, got.content, got.headers["X-Amzn-RequestId"]) == (200, b'{"n":1}', "7")


def test_a_head_and_its_body_are_one_packet() -> None:
    packets: list[bytes] = []

    def script(connection: socket.socket) -> None:
        packets.append(connection.recv(65536))
        connection.sendall(answer())

    with Server(script=script) as server:
        transport().send(request(server.url(), b"the body"))
    assert packets[0].endswith(b"\r\n\r\nthe body")


def test_a_large_body_arrives_whole(server: Server) -> None:
    body = b"x" * (2 * 1024 * 1024)
    assert transport().send(request(server.url(), body)).content == body


def test_one_connection_carries_many_requests(server: Server) -> None:
    carrier = transport()
    assert [carrier.send(request(server.url(), b"%d" % n)).content for n in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    assert server.connections == 1


def test_an_idle_connection_that_the_server_closed_is_not_used(server: Server) -> None:
    carrier = transport()
    carrier.send(request(server.url()))
    server.drop()
    assert carrier.send(request(server.url(), b"again")).content == b"again"
    assert server.connections == 2


def test_calls_of_several_threads_have_connections_of_their_own(server: Server) -> None:
    carrier, all_here = transport(), threading.Barrier(4)
    server.respond = lambda asked: (all_here.wait(5), answer(body=asked.body))[1]
    got: list[bytes] = []
    threads = [threading.Thread(target=lambda: got.append(carrier.send(request(server.url())).content)) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert got == [b"{}"] * 4
    assert server.connections == 4


def test_no_more_connections_are_kept_than_calls_are_made_at_once(server: Server) -> None:
    carrier = transport()
    for _ in range(MOST_IDLE + 1):
        sock = socket.create_connection(("localhost", server.port))
        carrier._give_back(sock, aws_transport._target(server.url()), keep=True)
    assert sock.fileno() == -1  # the superfluous connection was closed
    carrier.close()
    assert not carrier._idle


def test_a_request_that_is_not_plain_goes_through_the_session_of_botocore(server: Server) -> None:
    usual = Usual()
    carrier = transport(usual=usual)
    streamed = request(server.url())
    streamed.stream_output = True
    asked = [streamed, request(server.url(), method="HEAD")]
    for one in asked:
        carrier.send(one)
    carrier.close()
    assert (usual.sent, usual.closed, server.connections) == (asked, True, 0)


def test_a_replaced_send_of_botocore_sees_every_request(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(URLLib3Session, "send", lambda _, request: seen.append(request))
    carrier, asked = transport(usual=URLLib3Session()), request(server.url())
    carrier.send(asked)
    assert (seen, server.connections) == ([asked], 0)


# ---------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("pieces", "status", "body"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 4\r\n\r\nab", b"cd"], 200, b"abcd"),
        ([b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}"], 400, b"{}"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"1\r\nc\r\n0\r\n\r\n"], 200, b"abc"),
        ([b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", b"a"], 200, b"a"),
        ([b"HTTP/1.1 200 OK\r\n\r\nuntil the end"], 200, b"until the end"),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"], 200, b"a"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, b""),
        ([b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 1\r\n\r\na"], 200, b"a"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], 200, b""),
    ],
    ids=["in pieces", "an error", "chunked", "continue", "no length", "1.0", "no content", "folded", "empty"],
)
def test_an_answer_is_read_in_each_of_its_forms(pieces: list[bytes], status: int, body: bytes) -> None:
    with Server(script=replies(*pieces)) as server:
        got = transport().send(request(server.url()))
    assert (got.status_code, got.content) == (status, body)


def test_values_of_a_header_that_comes_twice_are_joined() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Two: a\r\nContent-Length: 0\r\nx-two: b\r\n\r\n"
    with Server(script=replies(head)) as server:
        assert transport().send(request(server.url())).headers["X-Two"] == "a, b"


@pytest.mark.parametrize(
    "head",
    ["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 OK\r\n\r\na"],
    ids=["said so", "no length"],
)
def test_a_connection_that_ends_with_its_answer_is_not_kept(head: str) -> None:
    with Server(script=replies(head.encode())) as server:
        carrier = transport()
        carrier.send(request(server.url()))
        assert not carrier._idle


def test_bytes_after_an_answer_end_its_connection() -> None:
    with Server(script=replies(answer(body=b"a") + b"HTTP/1.1 200 OK\r\n")) as server:
        carrier = transport()
        assert carrier.send(request(server.url())).content == b"a"
        assert not carrier._idle


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000,
    ],
    ids=["nothing", "half a head", "half a body", "no HTTP", "an endless head"],
)
def test_an_answer_that_is_not_one_is_a_closed_connection(said: bytes) -> None:
    with Server(script=replies(said)) as server:
        carrier = transport()
        with pytest.raises(exceptions.ConnectionClosedError):
            carrier.send(request(server.url()))
        assert not carrier._idle


def test_an_answer_that_does_not_come_is_a_read_timeout() -> None:
    done = threading.Event()
    with Server(script=lambda _: (done.wait(5), None)[1]) as server:
        with pytest.raises(exceptions.ReadTimeoutError):
            transport(0.05).send(request(server.url()))
        done.set()


def test_a_server_that_is_not_there_cannot_be_connected_to() -> None:
    with Server() as server:
        url = server.url()
    with pytest.raises(exceptions.EndpointConnectionError):
        transport().send(request(url))
    with pytest.raises(exceptions.EndpointConnectionError):
        transport().send(request("http://no-such-host.invalid/"))


def test_a_connection_that_is_not_accepted_in_time_is_a_connect_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", never)
    with pytest.raises(exceptions.ConnectTimeoutError):
        transport().send(request("http://localhost:9/"))


class Unlucky:
    """A socket, connected, whose next use fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.closed = False

    def setsockopt(self, *_: Any) -> None:
        """Nothing depends on the option."""

    def settimeout(self, _: float) -> None:
        """Nothing waits."""

    def sendall(self, _: bytes) -> None:
        raise self.error

    def wrap_socket(self, *_: Any, **__: Any) -> Any:
        raise self.error

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), exceptions.ConnectTimeoutError),
        (ssl.SSLError("wrong version"), exceptions.SSLError),
        (ConnectionResetError(), exceptions.EndpointConnectionError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_failed_handshake_closes_its_connection_and_raises_as_botocore_does(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, kind: type[BaseException]
) -> None:
    connection = Unlucky(error)
    monkeypatch.setattr(socket, "create_connection", lambda *_: connection)
    monkeypatch.setattr(aws_transport, "_trust", lambda _: connection)
    with pytest.raises(kind):
        transport().send(request("https://localhost:9/"))
    assert connection.closed


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), exceptions.ReadTimeoutError),
        (ssl.SSLError("bad record"), exceptions.SSLError),
        (BrokenPipeError(), exceptions.ConnectionClosedError),
        (RuntimeError("a bug"), exceptions.HTTPClientError),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_unsent_request_closes_its_connection_and_raises_as_botocore_does(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    connection = Unlucky(error)
    monkeypatch.setattr(socket, "create_connection", lambda *_: connection)
    with pytest.raises(kind):
        transport().send(request("http://localhost:9/"))
    assert connection.closed


def test_a_host_that_the_caller_signed_is_sent_once(server: Server) -> None:
    transport().send(request(server.url(), Host="signed.example.com"))
    (asked,) = server.requests
    assert asked.headers["host"] == f"localhost:{server.port}"


def test_an_alarm_that_ends_a_call_ends_its_connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    class AlarmError(BaseException):
        """The exception of an alarm in the middle of a call."""

    def rings(*_: Any) -> None:
        raise AlarmError

    carrier = transport()
    carrier.send(request(server.url()))
    with monkeypatch.context() as patched:
        patched.setattr(aws_transport, "read_answer", rings)
        with pytest.raises(AlarmError):
            carrier.send(request(server.url()))
    assert carrier.send(request(server.url(), b"mine")).content == b"mine"
    assert server.connections == 2


# ---------------------------------------------------------------------- TLS


@pytest.fixture
def bundle(authority: Authority, tmp_path: Path) -> Path:
    path = tmp_path / "bundle.pem"
    path.write_text(authority.pem)
    return path


def test_a_server_that_proves_its_name_is_called(authority: Authority, bundle: Path) -> None:
    with Server(lambda asked: answer(body=asked.body), tls=authority.server("localhost")) as server:
        carrier = transport(ca_bundle=bundle)
        assert [carrier.send(request(server.url())).content for _ in range(3)] == [b"{}"] * 3
        assert server.connections == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda authority: authority.server("other.example"),
        lambda authority: authority.server("localhost", NOW - DAY),
        lambda authority: authority.server("localhost", self_signed=True),
    ],
    ids=["wrong name", "expired", "self-signed"],
)
def test_a_server_that_cannot_prove_its_name_is_sent_nothing(
    authority: Authority, bundle: Path, make: Callable[[Authority], ssl.SSLContext]
) -> None:
    with Server(tls=make(authority)) as server:
        with pytest.raises(exceptions.SSLError):
            transport(ca_bundle=bundle).send(request(server.url()))
        assert server.requests == []


def test_without_a_bundle_the_certificates_of_botocore_are_trusted_and_no_others(authority: Authority) -> None:
    with Server(tls=authority.server("localhost")) as server:
        with pytest.raises(exceptions.SSLError):
            transport().send(request(server.url()))
        assert server.requests == []
    usual = aws_transport._trust(None)
    assert (usual.verify_mode, usual.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert usual.cert_store_stats()["x509_ca"] > 50
    assert not usual.verify_flags & ssl.VERIFY_X509_STRICT, "like botocore's session"


# ---------------------------------------------------------------------- clients


@pytest.fixture
def clients(server: Server, monkeypatch: pytest.MonkeyPatch) -> Clients:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    return Clients(region="eu-central-1", endpoint=server.url("").rstrip("/"))


def test_a_client_calls_through_it_and_its_call_is_repeated_after_a_broken_connection(
    clients: Clients, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    broken = iter([True])

    def respond(asked: Any) -> bytes | list[bytes]:
        assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
        return [b"HTTP/1.1 200"] if next(broken, False) else answer(body=b'{"Item":{"pk":{"S":"a"}}}')

    server.respond = respond
    client: Any = clients.dynamodb()
    assert isinstance(client._endpoint.http_session, AwsTransport)
    got = client.get_item(TableName="t", Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
    assert (got["Item"], got["ResponseMetadata"]["RetryAttempts"]) == ({"pk": {"S": "a"}}, 1)


def test_behind_a_proxy_botocores_own_session_stays(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    client: Any = clients.dynamodb()
    assert not isinstance(client._endpoint.http_session, AwsTransport)


def test_the_bundle_that_the_environment_names_is_trusted(
    authority: Authority, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with Server(lambda _: answer(body=b"{}"), tls=authority.server("localhost")) as server:
        client = Clients(region="eu-central-1", endpoint=server.url("").rstrip("/")).dynamodb()
        assert "Item" not in client.get_item(TableName="t", Key={"pk": {"S": "a"}, "sk": {"S": "b"}})


def test_the_address_of_an_operation_is_resolved_once(
    clients: Clients, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.respond = lambda _: answer(body=b"{}")
    resolved, resolve = list[str](), EndpointRulesetResolver.construct_endpoint

    def construct_endpoint(self: Any, operation_model: Any, call_args: Any, request_context: Any) -> Any:
        resolved.append(operation_model.name)
        return resolve(self, operation_model, call_args, request_context)

    monkeypatch.setattr(EndpointRulesetResolver, "construct_endpoint", construct_endpoint)
    client: Any = clients.dynamodb()
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    for _ in range(3):
        client.get_item(TableName="t", Key=key)
        client.put_item(TableName="t", Item=key)
    assert resolved == ["GetItem", "PutItem"]
    assert len(server.requests) == 6
