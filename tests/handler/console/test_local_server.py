from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from socketserver import BaseServer
from typing import Any

import pytest

from handler.console.local import local_server
from handler.console.local.lambda_event import HttpRequest
from handler.console.local.local_lambda import HttpResponse
from handler.console.local.local_server import LARGEST_BODY, AddressError, LocalServer, address_of, listen


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server looks for its end, and for something to do, more often than it would for a user."""
    monkeypatch.setattr(BaseServer.serve_forever, "__defaults__", (0.01,))
    monkeypatch.setattr(local_server, "LOOK_SECONDS", 0.01)


class Station:
    """Replaces a function: responds with the result of `answer`."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self.requests: list[HttpRequest] = []
        self.threads: list[str] = []
        self._answer = answer

    def request(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        self.threads.append(threading.current_thread().name)
        return self._answer(request)


def idle() -> None:
    """An empty timetable."""


def created(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse(201, {"Location": "/jobs/a", "Content-Length": "999"}, b'{"id": "a"}')


@contextmanager
def served(station: Station, lines: list[str]) -> Iterator[Callable[..., HttpResponse]]:
    """A server in this thread: another thread sends each request while this one serves it."""
    server: Any = LocalServer(station, listen("127.0.0.1", 0), lines.append, idle)
    threading.Thread(target=server._http.serve_forever, daemon=True).start()
    host, port = server._http.socket.getsockname()

    def ask(method: str, path: str, **options: Any) -> HttpResponse:
        answers: list[HttpResponse] = []

        def send() -> None:
            with closing(http.client.HTTPConnection(host, port, timeout=10)) as connection:
                connection.request(method, path, **options)
                answer = connection.getresponse()
                answers.append(HttpResponse(answer.status, dict(answer.headers), answer.read()))

        thread = threading.Thread(target=send)
        thread.start()
        while thread.is_alive():
            server.turn()
        return answers[0]

    try:
        yield ask
    finally:
        server._http.shutdown()
        server._http.server_close()


def test_a_request_reaches_the_function_and_its_answer_comes_back() -> None:
    station = Station(created)
    with served(station, []) as ask:
        answer = ask("POST", "/jobs?x=1", body=b"{}", headers={"Content-Type": "application/json"})

    assert (answer.status, answer.body, answer.headers["Location"]) == (201, b'{"id": "a"}', "/jobs/a")
    [request] = station.requests
    assert (request.method, request.target, request.body) == ("POST", "/jobs?x=1", b"{}")
    assert request.headers["content-type"] == "application/json"


def test_a_request_that_may_run_a_job_is_answered_in_the_main_thread() -> None:
    station = Station(created)
    with served(station, []) as ask:
        ask("POST", "/jobs", body=b"{}")

    assert station.threads == [threading.current_thread().name]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/jobs/a"), ("POST", "/jobs/a/cancel?x=1"), ("POST", "/jobs/a/steps/b/answer")]
)
def test_reads_and_cancels_are_answered_while_the_main_thread_runs_a_job(method: str, path: str) -> None:
    station = Station(created)
    server = LocalServer(station, listen("127.0.0.1", 0), lambda _: None, idle)
    threading.Thread(target=server._http.serve_forever, daemon=True).start()
    try:
        with closing(http.client.HTTPConnection(*server._http.socket.getsockname(), timeout=10)) as connection:
            connection.request(method, path)  # this is the main thread, and it is not serving
            assert connection.getresponse().status == 201
    finally:
        server._http.shutdown()
        server._http.server_close()


def test_a_connection_on_which_nothing_comes_holds_up_no_other() -> None:
    station = Station(created)
    server = LocalServer(station, listen("127.0.0.1", 0), lambda _: None, idle)
    threading.Thread(target=server._http.serve_forever, daemon=True).start()
    address = server._http.socket.getsockname()
    try:
        with socket.create_connection(address), closing(http.client.HTTPConnection(*address, timeout=10)) as connection:
            connection.request("GET", "/")
            assert connection.getresponse().status == 201
    finally:
        server._http.shutdown()
        server._http.server_close()


def test_a_long_job_holds_up_neither_the_sweeper_nor_the_schedules() -> None:
    looked, lines = threading.Event(), list[str]()

    def timetable() -> None:
        looked.set()
        raise OSError("once")

    def run_job(_: HttpRequest) -> HttpResponse:
        return HttpResponse(201 if looked.wait(10) else 500, {}, b"")

    server = LocalServer(Station(run_job), listen("127.0.0.1", 0), lines.append, timetable)
    threading.Thread(target=server._keep_time, daemon=True).start()
    threading.Thread(target=server._http.serve_forever, daemon=True).start()
    try:
        with closing(http.client.HTTPConnection(*server._http.socket.getsockname(), timeout=10)) as connection:
            connection.request("POST", "/jobs")
            server.turn()
            assert connection.getresponse().status == 201
    finally:
        server._ended.set()
        server._http.shutdown()
        server._http.server_close()
    assert "  the timetable failed: OSError('once')" in lines


def test_the_log_has_a_line_for_each_change_and_failure_and_none_for_a_read() -> None:
    lines: list[str] = []
    with served(Station(created), lines) as ask:
        ask("GET", "/jobs/seen")
        ask("POST", "/jobs/sent")
    with served(Station(lambda _: HttpResponse(404, {}, b"")), lines) as ask:
        ask("GET", "/jobs/missing")

    assert [line.split()[1] for line in lines] == ["/jobs/sent", "/jobs/missing"]


def test_a_function_that_fails_is_a_500_that_says_nothing_and_a_line_in_the_log() -> None:
    def fail(_: HttpRequest) -> HttpResponse:
        raise RuntimeError("secret")

    lines: list[str] = []
    with served(Station(fail), lines) as ask:
        answer = ask("GET", "/")

    assert (answer.status, answer.body) == (500, b"Internal Server Error")
    assert any("secret" in line for line in lines)


def test_a_body_that_the_gateway_would_refuse_does_not_reach_the_function() -> None:
    station = Station(created)
    with served(station, []) as ask:
        answer = ask("POST", "/jobs", headers={"Content-Length": str(LARGEST_BODY + 1)})

    assert answer.status == 413
    assert station.requests == []


def test_a_header_that_comes_twice_arrives_once_with_commas() -> None:
    station = Station(created)
    with served(station, []) as ask:
        ask("GET", "/", headers={"X-A": "1", "x-a": "2"})

    assert station.requests[0].headers["x-a"] == "1,2"


def test_a_port_that_is_taken_is_one_clear_message() -> None:
    with closing(listen("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(AddressError, match=rf"Cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
            listen("127.0.0.1", port)


def raw(address: str, sent: bytes) -> bytes:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(partial(connection.recv, 65536), b""))


@contextmanager
def answering(station: Station) -> Iterator[Callable[[bytes], bytes]]:
    """Sends raw bytes, and returns the bytes of the answer."""
    server = LocalServer(station, listen("127.0.0.1", 0), lambda _: None, idle)
    threading.Thread(target=server._http.serve_forever, daemon=True).start()

    def send(sent: bytes) -> bytes:
        answers: list[bytes] = []
        thread = threading.Thread(target=lambda: answers.append(raw(address_of(server._http.socket), sent)))
        thread.start()
        while thread.is_alive():
            server.turn()
        return answers[0]

    try:
        yield send
    finally:
        server._http.shutdown()
        server._http.server_close()


HEAD = b"POST /jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_in_chunks_arrives_whole() -> None:
    station = Station(created)
    with answering(station) as send:
        answer = send(HEAD + b'5\r\n{"ste\r\nA;x=y\r\nps": [1,2]\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n')

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert station.requests[0].body == b'{"steps": [1,2]}'


@pytest.mark.parametrize(("chunks", "status"), [(b"x\r\n", 400), (b"-5\r\n", 400), (b"FFFFFFFF\r\n", 413)])
def test_malformed_chunks_do_not_reach_the_function(chunks: bytes, status: int) -> None:
    station = Station(created)
    with answering(station) as send:
        answer = send(HEAD + chunks)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert station.requests == []


@pytest.mark.parametrize(
    ("header", "status", "message"),
    [
        ("Transfer-Encoding: gzip", 501, "The only supported transfer encoding is chunked."),
        ("Content-Length: -1", 400, "Content-Length must be a number of bytes."),
        ("Content-Length: \u0663".encode().decode("latin-1"), 400, "Content-Length must be a number of bytes."),
    ],
)
def test_a_body_whose_length_is_unknown_does_not_reach_the_function(header: str, status: int, message: str) -> None:
    station = Station(created)
    with answering(station) as send:
        answer = send(f"POST /jobs HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode("latin-1"))

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.endswith(message.encode())
    assert station.requests == []


@pytest.mark.parametrize(("method", "status", "length"), [("GET", 204, None), ("GET", 304, None), ("HEAD", 200, "999")])
def test_an_answer_without_a_body_ends_after_its_headers(method: str, status: int, length: str | None) -> None:
    headers = {"Content-Length": "999"} if length else {}
    with served(Station(lambda _: HttpResponse(status, headers, b"")), []) as ask:
        answer = ask(method, "/jobs/a")

    assert (answer.status, answer.body, answer.headers.get("Content-Length")) == (status, b"", length)


def test_a_function_that_fails_while_it_may_run_a_job_is_a_500_too() -> None:
    def fail(_: HttpRequest) -> HttpResponse:
        raise RuntimeError("secret")

    with served(Station(fail), []) as ask:
        assert ask("POST", "/jobs", body=b"{}").status == 500
        assert ask("POST", "/jobs", body=b"{}").status == 500, "the server goes on"


def test_a_server_that_is_interrupted_closes_its_port() -> None:
    def interrupt(_: HttpRequest) -> HttpResponse:
        raise KeyboardInterrupt

    listener = listen("127.0.0.1", 0)
    address = listener.getsockname()
    server = LocalServer(Station(interrupt), listener, lambda _: None, idle)
    client = threading.Thread(
        target=raw, args=(f"http://127.0.0.1:{address[1]}", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
    )
    client.start()
    with pytest.raises(KeyboardInterrupt):
        server.run()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)
    client.join()


def test_an_interrupt_during_a_request_ends_the_server_without_a_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def interrupt(_: HttpRequest) -> HttpResponse:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), answering(Station(interrupt)) as send:
        send(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert "Traceback" not in capfd.readouterr().err
