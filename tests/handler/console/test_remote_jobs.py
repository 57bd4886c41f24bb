"""`conduit jobs` against an API on the loopback."""

from __future__ import annotations

import io
import json
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from handler.cli import main
from handler.console import remote_jobs
from handler.console.remote_jobs import RemoteJobs
from handler.console.usage import make_parser
from infra.remote.api import RemoteApi, UnreachableApiError

STEP = {
    "id": "a",
    "path": "a",
    "position": 1,
    "action": "TEXT.JOIN",
    "status": {"name": "DONE", "value": 0},
    "result": "x",
    "error": None,
    "attempts": 1,
    "duration_ms": 0.4,
}
JOB = {
    "id": "j",
    "name": "Order",
    "status": "SUCCEEDED",
    "run": 1,
    "created_at": "2026-11-26T19:00:00.000Z",
    "variables": {},
    "failed_step": None,
    "waiting": None,
    "steps": [STEP],
}


class Api(ThreadingHTTPServer):
    """Answers each request with the next of `answers`, and records the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str], Any]] = []
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Api

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, headers, answer = self.server.answers.pop(0)
        text = json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = handle_any  # noqa: N815  # the names that the server requires

    def log_message(self, format: str, *values: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run(api: Api, *arguments: str) -> int:
    return main(["jobs", "--url", api.url, "--token", "secret-token", *arguments])


def test_list_goes_through_the_pages_and_shows_a_row_for_each_job(api: Api, capsys: Any) -> None:
    waiting = {**JOB, "id": "w", "status": "QUEUED", "waiting": {"for": "answer", "path": "ok"}}
    api.answers = [(200, {}, {"jobs": [JOB], "cursor": "c1"}), (200, {}, {"jobs": [waiting], "cursor": None})]
    assert run(api, "list", "--status", "FAILED", "--limit", "5") == 0
    assert [path for _, path, _, _ in api.asked] == [
        "/jobs?status=FAILED&limit=5",
        "/jobs?status=FAILED&limit=4&cursor=c1",
    ]
    assert api.asked[0][2]["Authorization"] == "Bearer secret-token"
    printed = capsys.readouterr().out
    assert "QUEUED (waits for answer)" in printed


def test_watch_prints_each_step_once_and_asks_less_often_while_nothing_changes(api: Api, capsys: Any) -> None:
    running = {**JOB, "status": "RUNNING"}
    api.answers = [(200, {"ETag": '"1"'}, running), (304, {}, None), (304, {}, None), (200, {}, JOB)]
    pauses: list[float] = []
    chosen = make_parser({}).parse_args(["jobs", "watch", "j"])
    assert RemoteJobs(RemoteApi(api.url), pauses.append).run(chosen) == 0
    assert pauses == [0.5, 1.0, 2.0]
    assert api.asked[1][2]["If-None-Match"] == '"1"'
    printed = capsys.readouterr().out.splitlines()
    assert len([line for line in printed if "TEXT.JOIN" in line]) == 1
    assert printed[-1] == "SUCCEEDED"


def test_watch_names_the_step_that_waits_and_survives_a_restart_of_the_api(api: Api, capsys: Any) -> None:
    waiting = {"for": "answer", "path": "ok", "until": "2026-11-27T19:00:00.000Z"}
    failed = {**JOB, "status": "FAILED", "failed_step": {**STEP, "status": {"name": "REJECTED"}}}
    answers = [(200, {"ETag": '"1"'}, {**JOB, "status": "QUEUED", "steps": [], "waiting": waiting}), (200, {}, failed)]
    calls = 0

    class Flaky(RemoteApi):
        def call(self, *args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise UnreachableApiError("away")
            return super().call(*args, **options)

    api.answers = answers
    chosen = make_parser({}).parse_args(["jobs", "watch", "j"])
    assert RemoteJobs(Flaky(api.url), lambda _: None, lambda: 0.0).run(chosen) == 1
    assert capsys.readouterr().out.splitlines() == [
        "QUEUED: step 'ok' waits for an answer until 2026-11-27T19:00:00.000Z",
        '1  a  TEXT.JOIN  DONE  1  0.4  "x"',
        "FAILED: step 'a' ended REJECTED",
    ]


def test_watch_gives_up_after_a_minute(api: Api) -> None:
    api.answers = [(200, {"ETag": '"1"'}, {**JOB, "status": "RUNNING"})]
    moments = iter([0.0, 0.0, 61.0])

    class Gone(RemoteApi):
        def call(self, *args: Any, **options: Any) -> Any:
            if not api.answers:
                raise UnreachableApiError("gone")
            return super().call(*args, **options)

    chosen = make_parser({}).parse_args(["jobs", "watch", "j"])
    with pytest.raises(UnreachableApiError, match="gone"):
        RemoteJobs(Gone(api.url), lambda _: None, lambda: next(moments)).run(chosen)


def test_answer_sends_the_value_and_the_path_is_one_segment(api: Api) -> None:
    api.answers = [(200, {}, STEP)]
    assert run(api, "answer", "j", "orders.3.ok", "--value", '{"limit": 500}', "--reject", "--reason", "no") == 0
    assert api.asked[0][0::3] == ("POST", {"ok": False, "value": {"limit": 500}, "reason": "no"})
    assert api.asked[0][1] == "/jobs/j/steps/orders.3.ok/answer"


def test_submit_redrive_and_cancel_call_their_routes(api: Api, tmp_path: Any) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps({"steps": []}))
    failed = {**JOB, "status": "FAILED", "run": 2}
    api.answers = [(201, {}, failed), (202, {}, failed), (202, {}, failed)]
    assert run(api, "submit", "--async", str(file)) == 1
    assert run(api, "redrive", "j", "--from", "a") == 0
    assert run(api, "cancel", "j") == 0
    assert [(method, path, body) for method, path, _, body in api.asked] == [
        ("POST", "/jobs", {"steps": []}),
        ("POST", "/jobs/j/redrive", {"from_step": "a"}),
        ("POST", "/jobs/j/cancel", None),
    ]
    assert api.asked[0][2]["Prefer"] == "respond-async"


def test_a_refusal_shows_the_problem_with_its_pointers_and_exits_with_2(api: Api, capsys: Any) -> None:
    errors = [{"pointer": "/limit", "code": "INVALID", "message": "Too large."}]
    api.answers = [(422, {}, {"detail": "The request is invalid.", "errors": errors})]
    assert run(api, "list") == 2
    assert capsys.readouterr().err.splitlines() == ["The request is invalid.", "  /limit: Too large."]


def test_an_api_that_does_not_answer_is_named(capsys: Any) -> None:
    assert main(["jobs", "--url", "http://127.0.0.1:9", "list"]) == 2
    assert "http://127.0.0.1:9 does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["jobs.example.com", "ftp://jobs.example.com", "http://", "https://a b", "http://a:b", "http://[x"]
)
def test_an_address_that_is_not_a_url_is_named(url: str, capsys: Any) -> None:
    assert main(["jobs", "--url", url, "list"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"{url!r} is not the URL of an API, such as http://127.0.0.1:8080."


def test_a_port_that_does_not_speak_http_is_named(capsys: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert main(["jobs", "--url", f"http://127.0.0.1:{port}", "list"]) == 2
        thread.join()
    assert f"http://127.0.0.1:{port} does not answer: 220 mail.example.com" in capsys.readouterr().err


def test_an_answer_that_is_not_json_is_quoted(api: Api, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "dumps", lambda _: "<html>nginx</html>")
    api.answers = [(502, {}, "a page")]
    assert run(api, "list") == 2
    assert f"{api.url} answered 502 with something that is not JSON: b'<html>nginx" in capsys.readouterr().err


@pytest.mark.parametrize("body", [{}, [], "ok", None, {"data": [1]}])
@pytest.mark.parametrize(
    ("arguments", "needs"),
    [(["list"], "jobs"), (["show", "j"], "steps"), (["watch", "j"], "steps"), (["redrive", "j"], "run")],
)
def test_an_answer_of_another_service_is_one_line_on_stderr(
    api: Api, capsys: Any, arguments: list[str], needs: str, body: Any
) -> None:
    api.answers = [(200, {}, body)]
    assert run(api, *arguments) == 2
    assert capsys.readouterr().err == f"The answer has no `{needs}`. Check that the URL is that of Conduit's API.\n"


def test_bytes_that_are_not_utf_8_are_sent_as_they_are(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    class Recording(RemoteApi):
        def call(self, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
            del headers
            sent.append(body)
            return super().call(method, path)

    api.answers = [(400, {}, {"detail": "The payload is not UTF-8."})]
    monkeypatch.setattr(remote_jobs, "RemoteApi", Recording)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"name": "\xe9"}')))
    assert run(api, "submit", "-") == 2
    assert sent == [b'{"name": "\xe9"}']


def test_a_signed_request_needs_credentials(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda _: None)
    assert main(["jobs", "--url", "https://abc.execute-api.eu-central-1.amazonaws.com", "list"]) == 2
    assert "there are no AWS credentials. Pass --token" in capsys.readouterr().err


def test_a_list_as_json_has_a_line_for_each_job(api: Api, capsys: Any) -> None:
    api.answers = [(200, {}, {"jobs": [JOB, JOB], "cursor": None})]
    assert run(api, "list", "--json") == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [JOB, JOB]


def test_a_list_ends_at_its_limit_even_if_there_are_more_jobs(api: Api, capsys: Any) -> None:
    api.answers = [(200, {}, {"jobs": [JOB], "cursor": "c"}), (200, {}, {"jobs": [JOB], "cursor": "d"})]
    assert run(api, "list", "--limit", "2") == 0
    assert [path for _, path, _, _ in api.asked] == ["/jobs?limit=2", "/jobs?limit=1&cursor=c"]
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_yes_needs_neither_a_value_nor_a_reason(api: Api) -> None:
    api.answers = [(200, {}, STEP)]
    assert run(api, "answer", "j", "ok") == 0
    assert api.asked[0][3] == {"ok": True}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--limit", "0"], "'0' is not a whole number above 0"),
        (["list", "--limit", "many"], "'many' is not a whole number above 0"),
        (["answer", "j", "ok", "--value", "{"], "not JSON: "),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(arguments: list[str], message: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["jobs", *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_logs_prints_the_lines_of_the_job(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(remote_jobs, "read_job_log", lambda _, groups, id_: [{"group": groups[0], "job_id": id_}])
    assert main(["jobs", "logs", "j", "--group", "g"]) == 0
    assert json.loads(capsys.readouterr().out) == {"group": "g", "job_id": "j"}


def test_logs_without_a_region_are_one_line_on_stderr(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert main(["jobs", "logs", "j", "--group", "g"]) == 2
    assert capsys.readouterr().err == "Reading the log group g failed: You must specify a region.\n"


def test_requests_to_api_gateway_are_signed_with_the_aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    sent: list[Any] = []

    def refuse(request: Any, **_: Any) -> Any:
        sent.append(request)
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(UnreachableApiError, match="no network"):
        RemoteApi("https://abc.execute-api.eu-central-1.amazonaws.com").call("GET", "/jobs")
    authorization = sent[0].get_header("Authorization")
    assert "AKIDEXAMPLE" in authorization
    assert "/eu-central-1/execute-api/aws4_request" in authorization
