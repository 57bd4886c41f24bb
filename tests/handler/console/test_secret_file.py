"""Secrets for the embedded AWS, from a file."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from handler.cli import main

JOB = {
    "steps": [{"id": "sign", "action": "HASH.HMAC", "parameters": {"text": "a", "secret": "partner"}}],
    "output": "{: sign :}",
}


@pytest.fixture
def job(tmp_path: Path) -> str:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(JOB))
    return str(file)


def secrets(tmp_path: Path, content: Any) -> str:
    file = tmp_path / "secrets.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def test_a_job_uses_the_secrets_of_the_file(job: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = secrets(tmp_path, {"partner": {"value": "sesame-123", "hosts": [], "uses": ["hmac"]}})

    assert main(["run", "--output", "--secrets", file, job]) == 0

    printed = capsys.readouterr().out
    assert json.loads(printed) == hmac.new(b"sesame-123", b"a", hashlib.sha256).hexdigest()


def test_without_the_file_there_is_no_secret(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", job]) == 1

    assert "CALL_REFUSED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON in UTF-8"),
        (["sesame-123"], "write an object with an object for each secret"),
        ({"partner": "sesame-123"}, "write an object with an object for each secret"),
        ({"partner": {"value": "sesame-123"}}, "The API refused the secret 'partner': /hosts: Name the hosts"),
        ({"a b": {"value": "sesame-123", "hosts": ["a.example"]}}, "The API refused the secret 'a b'"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_without_the_value(
    content: Any, message: str, job: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--secrets", secrets(tmp_path, content), job]) == 2

    [line] = capsys.readouterr().err.splitlines()
    assert message in line
    assert "sesame" not in line


def test_a_file_that_is_not_there_is_named(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--secrets", "missing.json", job]) == 2

    assert capsys.readouterr().err == "missing.json: No such file or directory\n"
