"""The command as a developer uses it: the real handler on the embedded AWS."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from blocks.block import REGISTRY
from handler.cli import main

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
FINE = '{"id": "%s", "steps": [{"action": "TEXT.UPPERCASE", "parameters": {"text": "%s"}}]}'
FAILS = '{"id": "fails", "steps": [{"action": "LOGIC.ASSERT", "parameters": {"value": false}}]}'


class Input:
    """Standard input that contains these bytes."""

    def __init__(self, text: str) -> None:
        self.buffer = io.BytesIO(text.encode())


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_prints_one_finished_job_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--json", str(EXAMPLES / "order.json"), str(EXAMPLES / "tolerant.json")]) == 0

    order, tolerant = lines_of(capsys)
    assert (order["name"], order["status"], order["success"]) == ("Shop order", "SUCCEEDED", True)
    assert set(order) == {
        *("id", "name", "status", "success", "run", "workflow", "created_at", "started_at", "finished_at", "waiting"),
        *("variables", "output", "failed_step", "steps"),
    }
    assert order["steps"][0]["result"] == "Ada Lovelace"
    assert tolerant["name"] == "Tolerant import"


def test_a_stream_gives_its_jobs_in_order(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Input("\n".join(FINE % (f"job-{n}", n) for n in range(20))))

    assert main(["run", "--json", "-"]) == 0

    assert [job["id"] for job in lines_of(capsys)] == [f"job-{n}" for n in range(20)]


def test_one_id_may_come_twice_since_each_job_is_cleared_away_once_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Input(FINE % ("same", "a") + "\n" + FINE % ("same", "b")))

    assert main(["run", "--json", "-"]) == 0

    assert [job["steps"][0]["result"] for job in lines_of(capsys)] == ["A", "B"]


def test_a_failed_job_is_printed_and_makes_the_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Input(FAILS + "\n" + FINE % ("after", "x")))

    assert main(["run", "--json", "-"]) == 1

    assert [job["status"] for job in lines_of(capsys)] == ["FAILED", "SUCCEEDED"]


def test_a_line_that_is_not_a_job_is_named_on_stderr_and_the_others_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = ["{", '{"steps": [], "tags": ["staff"]}', "[]"]
    monkeypatch.setattr(sys, "stdin", Input("\n".join([*wrong, FINE % ("after", "x")])))

    assert main(["run", "--json", "-"]) == 2

    printed = capsys.readouterr()
    assert [json.loads(line)["id"] for line in printed.out.splitlines()] == ["after"]
    first, second, third = printed.err.splitlines()
    assert first.startswith("-:1: ")
    assert "JSON" in first
    assert second.startswith("-:2: /tags: ")
    assert third.startswith("-:3: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, " No such file or directory"), ('{\n "a": ,}', "2:7: The text is not JSON"), ("", " The text is empty")],
)
def test_a_file_that_cannot_be_read_is_one_line_on_stderr_and_nothing_runs(
    content: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.json"
    if content is not None:
        bad.write_text(content)

    assert main(["run", str(EXAMPLES / "order.json"), str(bad)]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert line.startswith(f"{bad}:{message}")


def test_a_job_is_shown_in_a_pipe_as_plain_lines_with_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(EXAMPLES / "refused.json")]) == 1

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert [line.split()[3] for line in shown.splitlines()[2:5]] == ["ASSERTION_ERROR", "SKIPPED", "DONE"]
    assert "FAILED: step 'enough' ended ASSERTION_ERROR" in shown


def test_records_show_the_items_and_events_of_the_services(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--records", str(EXAMPLES / "refused.json")]) == 1

    shown = capsys.readouterr().out
    assert "In the table, 3 items:" in shown  # the job, its payload, its steps
    assert "On the bus, 4 events:" in shown  # three steps, one end


@pytest.mark.parametrize("option", [[], ["--output"], ["--param", "a=1"]])
def test_each_line_that_is_not_a_job_is_one_line_on_stderr_with_any_option(
    option: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = ["[]", '"steps"', "{", '{"steps": [], "name": "\\ud800"}']
    monkeypatch.setattr(sys, "stdin", Input("\n".join(wrong)))

    assert main(["run", *option, "-"]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert [line.split(" ")[0] for line in printed.err.splitlines()] == ["-:1:", "-:2:", "-:3:", "-:4:"]


def test_the_output_of_a_failed_job_is_its_failure_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Input(FAILS))

    assert main(["run", "--output", "-"]) == 1

    printed = capsys.readouterr()
    assert (printed.out, printed.err.startswith("fails: FAILED")) == ("", True)


def test_an_error_of_the_file_system_that_is_not_about_the_output_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Any) -> int:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/proc/none")

    monkeypatch.setattr("handler.console.commands.blocks.execute", fail)
    with pytest.raises(FileNotFoundError):
        main(["blocks"])


def test_a_missing_package_that_is_not_for_development_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> int:
        raise ModuleNotFoundError("No module named 'ours'", name="ours")

    monkeypatch.setattr("handler.console.commands.blocks.execute", fail)
    with pytest.raises(ModuleNotFoundError):
        main(["blocks"])


def test_the_demo_runs_a_job_over_http_and_one_from_the_queue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0

    shown = capsys.readouterr().out
    order = json.loads((EXAMPLES / "order.json").read_text())
    lead = json.loads((EXAMPLES / "lead-scoring.json").read_text())
    for step in [*order["steps"], *lead["steps"]]:
        assert f" {step['id']} " in shown
    assert shown.count("SUCCEEDED\n") >= 4  # each job, and its end on the bus
    assert "In the table, 3 items:" in shown
    assert f"On the bus, {len(lead['steps']) + 1} events:" in shown


def test_validate_names_each_mistake_and_its_place_without_running(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(
        '{"steps": [{"action": "TEXT.JION"}, {"action": "TEXT.COUNT", "parameters": {"text": "{: a :}"}}]}'
    )

    assert main(["validate", str(EXAMPLES / "order.json"), str(wrong)]) == 1

    fine, *found, last = capsys.readouterr().out.splitlines()
    assert fine == f"{EXAMPLES / 'order.json'}: valid"
    assert any(line.startswith(f"{wrong}:1:13: error: step 1: BLOCK_NOT_FOUND: ") for line in found)
    assert any(line.startswith(f"{wrong}:1:77: error: step 2: INVALID_ARGUMENT: ") for line in found)
    assert last == f"{wrong}: not valid"


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("[]", "1:1", "INVALID_FIELD"),
        ('{"steps": [{}]}', "1:12", "INVALID_FIELD"),
        ('{"steps": [], "colour": 1}', "1:15", "UNKNOWN_FIELD"),
    ],
)
def test_validate_shows_the_place_of_each_field_that_is_wrong(
    text: str, place: str, code: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Input(text))

    assert main(["validate", "-"]) == 1

    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("-:1")
    assert place in first
    assert code in first


def test_validate_names_a_line_that_is_not_json_and_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Input("{\n" + FINE % ("a", "x")))

    assert main(["validate", "-"]) == 2

    printed = capsys.readouterr()
    assert printed.err.startswith("-:1:1: The text is not JSON: ")
    assert printed.out == "-:2: valid\n"


def test_every_example_is_valid() -> None:
    assert main(["validate", *map(str, sorted(EXAMPLES.glob("*.json")))]) == 0


def test_blocks_lists_every_block_and_explains_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blocks"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(REGISTRY)

    assert main(["blocks", "text.join"]) == 0
    assert 'join_with  string  default " "' in capsys.readouterr().out

    assert main(["blocks", "--json", "TEXT.JOIN"]) == 0
    [page] = lines_of(capsys)
    assert page["name"] == "TEXT.JOIN"
    assert page["parameters"]["required"] == ["text1", "text2"]


def test_an_unknown_block_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blocks", "TEXT.JION"]) == 2
    assert capsys.readouterr().err.startswith("There is no block 'TEXT.JION'; did you mean TEXT.JOIN")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["run"],
        ["run", "--param", "a", "job.json"],
        ["run", "--param", "=1", "job.json"],
        ["run", "--invocation", "soon", "job.json"],
        ["serve", "--port", "x"],
        ["serve", "--port", "65536"],
        ["demo", "--invocation", "0"],
    ],
)
def test_arguments_that_make_no_sense_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage: conduit" in capsys.readouterr().err


def test_help_needs_neither_aws_nor_rich() -> None:
    program = "import sys, handler.cli; print([m for m in ('boto3', 'botocore', 'moto', 'rich') if m in sys.modules])"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)  # noqa: S603  # ours

    assert ended.stdout == "[]\n"


HEAVY = ("boto3", "botocore", "moto", "rich", "aws_lambda_powertools", "handler.app", "handler.wiring")


@pytest.mark.parametrize("arguments", [["blocks"], ["validate", "examples/order.json"], ["completion", "bash"]])
def test_a_command_that_needs_no_aws_imports_none_of_it(arguments: list[str]) -> None:
    program = (
        "import sys; from handler.cli import main; code = main(sys.argv[1:]); "
        f"print(code, [m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run(  # noqa: S603  # ours
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=ROOT, check=True
    )

    assert ended.stderr == "0 []\n"


def test_watch_runs_a_job_again_whenever_its_file_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tmp_path / "job.json"
    job.write_text(FINE % ("a", "first"))
    texts = iter(["second"])

    def change(_: float) -> None:
        try:
            job.write_text(FINE % ("a", next(texts)))
        except StopIteration:
            raise KeyboardInterrupt from None
        os.utime(job, (1, 1))

    monkeypatch.setattr("handler.console.commands.run.time.sleep", change)

    assert main(["run", "--watch", str(job)]) == 130

    printed = capsys.readouterr()
    assert [word for word in ("FIRST", "SECOND") if word in printed.out] == ["FIRST", "SECOND"]
    assert printed.err == "Interrupted.\n"


def test_watch_cannot_follow_a_stream(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--watch", "-"]) == 2
    assert capsys.readouterr().err == "--watch needs files; it cannot watch standard input (-).\n"


def test_a_missing_development_package_is_named() -> None:
    program = "import sys; sys.modules['moto'] = None; from handler.cli import main; sys.exit(main(['demo']))"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)  # noqa: S603  # ours

    assert ended.returncode == 2
    assert ended.stderr == "moto is not installed. This command needs it: pip install '/path/to/conduit[local]'\n"


def test_a_pipe_gets_utf_8_even_if_the_terminal_has_another_encoding() -> None:
    command = started("validate", "-", PYTHONIOENCODING="ascii")

    printed, _ = command.communicate('{"steps": [{"action": "日本 straße"}]}\n', timeout=60)

    assert "'日本 straße'" in printed
    assert command.returncode == 1


def started(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-m", "handler.cli", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", **environment},
    )


@pytest.mark.slow
def test_ctrl_c_ends_the_command_cleanly_and_keeps_its_output() -> None:
    command = started("run", "--json", "-")
    assert command.stdin is not None
    assert command.stdout is not None
    command.stdin.write(FINE % ("first", "x") + "\n")
    command.stdin.flush()
    first = json.loads(command.stdout.readline())

    command.send_signal(signal.SIGINT)
    rest, complaints = command.communicate(timeout=60)

    assert (first["id"], command.returncode, rest, complaints) == ("first", 130, "", "Interrupted.\n")


@pytest.mark.slow
def test_ctrl_c_ends_the_command_while_a_step_waits() -> None:
    command = started("run", "--json", "-")
    assert command.stdin is not None
    assert command.stdout is not None
    waits = {
        "action": "LOGIC.ASSERT",
        "parameters": {"value": False},
        "retry": {"attempts": 2, "delay": 20, "jitter": False},
    }
    command.stdin.write(FINE % ("first", "x") + "\n" + json.dumps({"steps": [waits]}) + "\n")
    command.stdin.flush()
    command.stdout.readline()  # the second job is next, and lasts longer than this test

    command.send_signal(signal.SIGINT)
    rest, complaints = command.communicate(timeout=60)

    assert (command.returncode, rest, complaints) == (130, "", "Interrupted.\n")


@pytest.mark.slow
def test_a_closed_pipe_ends_the_command_without_a_traceback() -> None:
    command = started("validate", "-")
    assert command.stdin is not None
    assert command.stdout is not None
    command.stdin.write("\n".join(FINE % (f"job-{n}", "x") for n in range(500)) + "\n")
    command.stdin.close()
    command.stdin = None
    command.stdout.readline()
    command.stdout.close()
    command.stdout = None

    _, complaints = command.communicate(timeout=60)

    assert "Traceback" not in complaints
    assert command.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize(
    "arguments",
    [["blocks"], ["blocks", "--json"], ["blocks", "TEXT.JOIN"], ["--help"], ["--version"], ["run", "--help"]],
)
def test_a_full_disk_is_one_line_and_no_traceback(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-m", "handler.cli", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (1, "The output cannot be written: No space left on device.\n")
