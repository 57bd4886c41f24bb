"""Build the artifact for Lambda: the locked wheels for its platform and our three folders, compiled.

It needs neither Docker nor that platform's pip: `uv` picks the wheels. Two builds of the same tree are identical.
"""

# ruff: noqa: INP001, T201 (a script that prints what it built, not a package)

from __future__ import annotations

import argparse
import ast
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from interpreter import find_python

ROOT: Final = Path(__file__).resolve().parent.parent
LAMBDA_PYTHON: Final = "3.13"
"""`Runtime` of template.yaml; a test compares the two."""
LAMBDA_PLATFORM: Final = "aarch64-manylinux2014"
FOLDERS: Final = ("handler", "blocks", "infra")
PAGES: Final = (ROOT / "handler" / "http" / "page.html",)
"""Files that our modules read."""
ENTRY: Final = ROOT / "handler" / "app.py"
"""`Handler` of template.yaml. Modules that it does not reach are left out: the command line, the embedded AWS."""
RUNTIME_HAS: Final = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
"""Packages of Lambda's own Python, which `--without-boto3` leaves out."""
SERVICES: Final = ("dynamodb", "events", "kms", "scheduler", "sqs", "sts")
"""Services whose descriptions are kept: all 400 are 25 MB, and listing them adds 9 ms to each cold start."""
POWERTOOLS: Final = "aws_lambda_powertools"
IMPORTED_BY_NAME: Final = tuple(
    f"utilities/parser/models/{name}.py" for name in ("cloudwatch", "dynamodb", "kinesis", "sqs")
)
"""Modules that Powertools' batches import by name, without an import statement."""
NOT_IMPORTED: Final = ("boto3", "s3transfer")
"""Kept for a deployment's own blocks, like all of Powertools, but not compiled: that saves a megabyte."""
FOR_TYPE_CHECKERS: Final = ("*.pyi", "py.typed", "mypy.py")
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The time of each file: the earliest that a zip can store."""
ZIP_LIMIT: Final = 10_500_000
ZIP_LIMIT_WITHOUT_BOTO3: Final = 8_140_000


def build(
    target: Path,
    *,
    host: bool,
    python: str,
    without_boto3: bool,
    services: tuple[str, ...],
    blocks: tuple[Path, ...] = (),
    compiled: bool = False,
) -> None:
    """Fill `target`, which is emptied first.

    Args:
        target: the folder that becomes /var/task.
        host: build for this machine instead of Lambda's, to run the result here.
        python: version of the interpreter that will run it.
        without_boto3: leave boto3 and botocore to Lambda's runtime.
        services: names of the services whose descriptions botocore keeps.
        blocks: folders with the deployment's own blocks.
        compiled: fail if no interpreter can compile: SAM shows no warning of a build.
    """
    _empty(target)
    _install(target, host=host, python=python, leave_out=RUNTIME_HAS if without_boto3 else ())
    _copy_code(target)
    _copy_blocks(target, blocks)
    _prune(target, services)
    _compile(target, python, required=compiled)
    _fix_times(target)


def _empty(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in target.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _install(target: Path, *, host: bool, python: str, leave_out: tuple[str, ...]) -> None:
    lock = target / "requirements.txt"
    lock.write_text(_without((ROOT / "requirements.txt").read_text(encoding="utf-8"), leave_out), encoding="utf-8")
    platform = [] if host else ["--python-platform", LAMBDA_PLATFORM]
    subprocess.run(  # noqa: S603 (our own arguments)
        [
            *(_uv(), "pip", "install", "--quiet", "--no-installer-metadata", "--no-compile-bytecode"),
            # The lock is complete, and every wheel must be the locked one.
            *("--no-deps", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"),
            *platform,
            *("--python-version", python, "--target", str(target), "--requirements", str(lock)),
        ],
        check=True,
    )
    lock.unlink()


def _without(lock: str, names: tuple[str, ...]) -> str:
    """The lock without the entries of `names`: an entry is a pinned line and the indented lines after it."""
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    return "".join(entry for entry in entries if re.split(r"[=\[ ]", entry, maxsplit=1)[0] not in names)


def _uv() -> str:
    beside = ROOT / ".venv" / "bin" / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        sys.exit("uv is needed to pick the wheels of another platform: run `make build`, which installs it.")
    return found


def _copy_code(target: Path) -> None:
    for path in sorted({*our_modules(), *PAGES}):
        copy = target / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _copy_blocks(target: Path, folders: Iterable[Path]) -> None:
    """Copy a deployment's own blocks into the folder of the shipped ones, where they are found without a setting."""
    for folder in folders:
        if not folder.is_dir():
            sys.exit(f"BLOCKS: {folder} is not a folder.")
        for path in sorted(folder.rglob("*.py")):
            copy = target / "blocks" / path.relative_to(folder)
            if copy.exists():
                sys.exit(f"BLOCKS: {path} has the name of a file that exists already.")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def our_modules() -> set[Path]:
    """Our modules that the handler may import, even on first use, and every block: blocks are found in their folder."""
    return _reached({ENTRY, *(ROOT / "blocks").rglob("*.py")}, ROOT, FOLDERS)


def _reached(start: Iterable[Path], root: Path, packages: tuple[str, ...]) -> set[Path]:
    """The modules of these packages in `root` that the files of `start` import, directly or indirectly."""
    reached: set[Path] = set()
    to_do = list(start)
    while to_do:
        path = to_do.pop()
        if path not in reached:
            reached.add(path)
            names = (name for name in _imports_of(path, root) if name.split(".")[0] in packages)
            to_do += [file for name in names for file in _files_of_module(name, root)]
    return reached


def _imports_of(path: Path, root: Path) -> Iterator[str]:
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    package = path.relative_to(root).parent.parts if path.is_relative_to(root) else ()
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        nodes += ast.iter_child_nodes(node)


def _files_of_module(name: str, root: Path) -> Iterator[Path]:
    """The module's file, and those of its parent packages."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:length])
        yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())


def _prune(target: Path, services: tuple[str, ...]) -> None:
    """Remove files that are not read at run time: descriptions of other services, scripts, installation records."""
    data = target / "botocore" / "data"
    if data.is_dir():
        for path in data.iterdir():
            if path.is_dir() and path.name not in services:
                shutil.rmtree(path)
        _prune_endpoints(data / "endpoints.json", services)
    shutil.rmtree(target / "bin", ignore_errors=True)
    # Version 1 of pydantic, which pydantic includes for packages that have not migrated.
    shutil.rmtree(target / "pydantic" / "v1", ignore_errors=True)
    for pattern in FOR_TYPE_CHECKERS:
        for path in list(target.rglob(pattern)):
            path.unlink()
    for record in target.glob("*.dist-info/*"):
        # Entry points register blocks, and the head of METADATA has the version; the rest describes an installation,
        # which this is not, or is prose.
        if record.name == "METADATA":
            record.write_text(record.read_text(encoding="utf-8").partition("\n\n")[0] + "\n", encoding="utf-8")
        elif record.name != "entry_points.txt":
            shutil.rmtree(record) if record.is_dir() else record.unlink()


def _prune_endpoints(path: Path, services: tuple[str, ...]) -> None:
    """Remove other services from the table of endpoints: 1.2 MB, which the first client reads in 19 ms."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        endpoints = json.load(file)
    for partition in endpoints["partitions"]:
        partition["services"] = {name: entry for name, entry in partition["services"].items() if name in services}
    path.write_text(json.dumps(endpoints, separators=(",", ":")), encoding="utf-8")


def _compile(target: Path, python: str, *, required: bool) -> None:
    """Compile every module: Lambda cannot write .pyc files, and without them a cold start takes twice as long."""
    interpreter = find_python(python)
    if interpreter is None and required:
        shutil.rmtree(target)
        sys.exit(
            f"There is no Python {python} here, so nothing could be compiled, and a cold start would take twice as "
            f"long. Install it, or name it in PYTHON{python.replace('.', '')}=...; UNCOMPILED=1 builds without."
        )
    if interpreter is None:
        print(
            f"WARNING: no Python {python} here, so nothing was compiled, and a cold start takes twice as long.\n"
            f"         Install it (or name it in PYTHON{python.replace('.', '')}=...) and build again.",
            file=sys.stderr,
        )
        return
    subprocess.run(  # noqa: S603 (our own arguments)
        [
            *(interpreter, "-m", "compileall", "-q", "-j", "1", "-s", str(target), "-p", "/var/task"),
            # The zip sets the times of the sources, so they cannot show a change; and /var/task never changes.
            *("--invalidation-mode", "unchecked-hash", "-i", "-"),
        ],
        check=True,
        text=True,
        input="\n".join(map(str, _imported(target))),
        # It decides the order of constants in a set.
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )


def _imported(target: Path) -> list[Path]:
    """The modules that are worth compiling: all but those of Powertools and boto3 that the handler never imports."""
    ours = {path for folder in FOLDERS for path in (target / folder).rglob("*.py")}
    by_name = {target / POWERTOOLS / name for name in IMPORTED_BY_NAME} & set(files_of(target))
    powertools = _reached(ours | by_name, target, (POWERTOOLS,))
    return [
        path
        for path in files_of(target)
        if path.suffix == ".py"
        and (path.relative_to(target).parts[0] not in {POWERTOOLS, *NOT_IMPORTED} or path in powertools)
    ]


def _fix_times(target: Path) -> None:
    for path in [target, *target.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (315532800, 315532800))


def files_of(target: Path) -> list[Path]:
    """The files of a build, in the order of packing."""
    return sorted((path for path in target.rglob("*") if path.is_file()), key=lambda path: path.as_posix())


def pack(target: Path, archive: Path) -> str:
    """Zip a build; returns the archive's SHA-256: the same for the same files, on any machine at any time."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for path in files_of(target):
            entry = zipfile.ZipInfo(path.relative_to(target).as_posix(), EPOCH)
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3  # Unix, on any machine
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, path.read_bytes(), compresslevel=9)
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def report(target: Path, archive: Path, digest: str) -> None:
    """Print the sizes of the parts."""
    sizes: dict[str, int] = {}
    for path in files_of(target):
        top = path.relative_to(target).parts[0]
        sizes[top] = sizes.get(top, 0) + path.stat().st_size
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:10]:
        print(f"  {size / 1e6:7.2f} MB  {name}")
    compiled = sum(1 for path in files_of(target) if path.suffix == ".pyc")
    print(f"  {sum(sizes.values()) / 1e6:7.2f} MB  in total, {compiled} files compiled")
    print(f"  {archive.stat().st_size / 1e6:7.2f} MB  {archive.name}  sha256 {digest}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--host", action="store_true", help="build for this machine, to run the result here")
    parser.add_argument("--python", default=LAMBDA_PYTHON, help="version of the interpreter that will run it")
    parser.add_argument("--without-boto3", action="store_true", help="leave boto3 to Lambda's runtime")
    parser.add_argument("--services", nargs="+", default=SERVICES, help="AWS services to keep in botocore")
    parser.add_argument("--blocks", nargs="+", type=Path, default=[], help="folders with blocks of your own")
    parser.add_argument("--compiled", action="store_true", help="fail if no interpreter can compile")
    parser.add_argument("--zip", type=Path, help="pack it here, check its size and print the sizes of its parts")
    given = parser.parse_args()
    target = given.target.resolve()
    build(
        target,
        host=given.host,
        python=given.python,
        without_boto3=given.without_boto3,
        services=tuple(given.services),
        blocks=tuple(given.blocks),
        compiled=given.compiled,
    )
    if given.zip:
        report(target, given.zip, pack(target, given.zip))
        limit = ZIP_LIMIT_WITHOUT_BOTO3 if given.without_boto3 else ZIP_LIMIT
        if given.zip.stat().st_size > limit:
            sys.exit(f"{given.zip} is over {limit / 1e6} MB.")


if __name__ == "__main__":
    main()
