"""The two processes of `conduit serve`, replaced here: when they start again, and which secrets they are given."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from handler.console.errors import InputError
from handler.console.local import serving
from handler.console.local.local_server import listen
from handler.console.local.serving import LOOK_SECONDS, SHORT_LIFE, Processes, Serving, put_secrets
from handler.console.local.workstation import Options
from infra.remote.api import RemoteAnswer, UnreachableApiError


class Process:
    """A process that ends when the test says so."""

    def __init__(self, arguments: list[str], **_: Any) -> None:
        self.role = arguments[3]
        self.code: int | None = None
        self.stdin = None

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.code = -9

    def wait(self) -> int | None:
        return self.code


class World:
    """The processes that were started, the clock, the stamps of the files of blocks, and the log."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started: list[Process] = []
        self.time = 0.0
        self.stamps = {"blocks/a.py": (1, 1)}
        self.lines: list[str] = []
        self.released = 0
        services = SimpleNamespace(follow_bus=lambda: None, take_events=list)
        monkeypatch.setattr(serving, "subprocess", SimpleNamespace(Popen=self._start, PIPE=None))
        monkeypatch.setattr(serving, "time", SimpleNamespace(monotonic=lambda: self.time))
        monkeypatch.setattr(serving, "LocalServices", lambda _: services)
        monkeypatch.setattr(serving, "file_stamps", lambda _: dict(self.stamps))
        monkeypatch.setattr(serving, "release", self._release)
        aws, door = SimpleNamespace(), SimpleNamespace(lock=threading.Lock())
        with listen("127.0.0.1", 0) as listener:
            self.processes = Processes(Options(), listener, {}, self.lines.append)
        self.serving = Serving(aws, door, self.processes, self.lines.append)  # type: ignore[arg-type]  # as much as it uses
        self.processes.start()

    def _start(self, arguments: list[str], **options: Any) -> Process:
        self.started.append(Process(arguments, **options))
        return self.started[-1]

    def _release(self, _: Any) -> None:
        self.released += 1

    @property
    def running(self) -> list[str]:
        return [process.role for process in self.started if process.code is None]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_a_process_that_ends_by_itself_is_started_again_and_its_messages_are_freed(world: World) -> None:
    world.time = SHORT_LIFE
    world.started[1].code = 1
    world.serving.turn()
    assert world.running == ["api", "worker"]
    assert world.lines == ["  the worker ended with code 1; it starts again"]
    assert world.released == 1


def test_a_process_that_cannot_start_waits_for_a_change_of_a_file(world: World) -> None:
    for process in world.started:
        process.code = 1
    world.serving.turn()
    world.time = LOOK_SECONDS
    world.serving.turn()
    assert (world.running, world.released) == ([], 0)
    world.stamps["blocks/a.py"] = (2, 1)
    world.time += LOOK_SECONDS
    world.serving.turn()
    assert (world.running, world.released) == (["api", "worker"], 1)
    assert world.lines == [
        "  the api could not start; it starts again when a file of blocks changes",
        "  the worker could not start; it starts again when a file of blocks changes",
        "  a file of blocks has changed: restarting the API and the worker",
    ]


def test_a_change_of_a_file_restarts_both_processes_at_the_next_look(world: World) -> None:
    world.stamps = {}
    world.serving.turn()
    assert len(world.started) == 2
    world.time = LOOK_SECONDS
    world.serving.turn()
    assert [process.code for process in world.started] == [-9, -9, None, None]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (RemoteAnswer(422, {}, {"errors": [{"pointer": "/value", "message": "Too short."}]}), "/value: Too short."),
        (RemoteAnswer(503, {}, {"title": "Unavailable"}), "Unavailable"),
        (UnreachableApiError("nothing answers"), "nothing answers"),
    ],
)
def test_a_secret_that_cannot_be_stored_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, answer: Any, message: str
) -> None:
    sent: list[tuple[str, str, Any]] = []

    class Api:
        def __init__(self, _: str) -> None:
            pass

        def call(self, method: str, path: str, body: Any) -> RemoteAnswer:
            sent.append((method, path, body))
            if len(sent) == 1:
                return RemoteAnswer(204, {}, None)
            if isinstance(answer, Exception):
                raise answer
            assert isinstance(answer, RemoteAnswer)
            return answer

    monkeypatch.setattr(serving, "RemoteApi", Api)
    options = Options(secrets={"/secrets/a": '{"value": "one"}', "/secrets/b%20c": '{"value": "two"}'})
    with pytest.raises(InputError) as raised:
        put_secrets(options, "http://127.0.0.1:1")
    assert str(raised.value) == f"The API refused the secret 'b c': {message}"
    assert [path for _, path, _ in sent] == ["/secrets/a", "/secrets/b%20c"]


def test_a_file_that_vanishes_while_an_editor_replaces_it_has_no_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handler.console.local.block_files import file_stamps  # noqa: PLC0415  # the others use one of their own

    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("")
    stat = Path.stat

    def vanish(path: Path, **options: Any) -> Any:
        if path.name == "a.py":
            raise FileNotFoundError
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", vanish)
    assert [Path(name).name for name in file_stamps([tmp_path])] == ["b.py"]
