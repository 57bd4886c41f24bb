from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.artifact.sandbox import ROOT

MEGABYTE = 1_000_000


def build(folder: Path, *options: str) -> Path:
    archive = folder / "conduit.zip"
    program = [sys.executable, ROOT / ".ci" / "build.py", folder / "task", "--zip", archive, *options]
    subprocess.run(program, check=True, capture_output=True, text=True)  # noqa: S603 (our own program)
    return archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("first"))


def test_two_builds_of_one_tree_are_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == archive.read_bytes()


def test_compiled_files_are_for_the_processor_of_lambda(archive: Path) -> None:
    names = zipfile.ZipFile(archive).namelist()
    machine_code = [name for name in names if name.endswith(".so")]
    assert machine_code
    assert all("aarch64" in name for name in machine_code)


def test_the_zip_is_small_and_smaller_when_boto3_is_left_to_the_runtime(archive: Path, tmp_path: Path) -> None:
    """Version 1.0.0 had 7.5 MB with boto3 and 5.14 MB without; later features may add up to 3 MB."""
    assert archive.stat().st_size < 10.5 * MEGABYTE
    without = build(tmp_path, "--without-boto3")
    assert without.stat().st_size < 8.14 * MEGABYTE
    assert not [name for name in zipfile.ZipFile(without).namelist() if name.startswith("boto")]


def test_botocore_keeps_the_services_that_are_asked_for(tmp_path: Path) -> None:
    names = zipfile.ZipFile(build(tmp_path, "--services", "dynamodb", "s3")).namelist()
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 3}
    assert services == {"dynamodb", "s3"}
