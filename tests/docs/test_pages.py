"""Runs the documentation: each page's Python as one program, each job as a job, each table of tags row by row."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import traceback
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blocks.block import REGISTRY
from handler.cli import COMMANDS, main
from handler.console.shown.job_text import columns
from handler.console.usage import make_parser
from handler.engine import Conduit, ConduitStatus, ConduitStep
from handler.engine.language.functions import FUNCTIONS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "examples" / "README.md"]
BLOCK = re.compile(r"^```(?P<kind>\w+)(?P<mark> \w+)?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)(?P<target>[^)#]*)(?:#(?P<anchor>[^)]+))?\)")
ROW = re.compile(r"^\| `(?P<written>.+?)` \| (?P<given>.+?) \|$")


def run_python(text: str, page: Path) -> None:
    """Run a page's Python like a user who pastes it into one file, and then each of its tests.

    Code that awaits at the top level gets a loop. The page may import what it put into `blocks/shipping.py`; if this
    deployment already has that file from following the page, the page's replaces it.
    """
    REGISTRY.load()
    own = set(re.findall(r'Category\("(\w+)"', text))
    for action in [block.action for block in REGISTRY if block.category in own]:
        del REGISTRY._blocks[action]
    module = sys.modules["blocks.shipping"] = types.ModuleType("blocks.shipping")
    code = compile(text, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    finish(eval(code, module.__dict__))  # noqa: S307  # our own page
    for name, test in list(vars(module).items()):
        if name.startswith("test_"):
            finish(test())


def finish(made: Any) -> None:
    async def wait() -> None:
        await made

    if inspect.isawaitable(made):
        asyncio.run(wait())


def run_in_a_child(work: Callable[[], None]) -> str:
    """Run it in a forked process and return the traceback of its error. Its changes to the registry end with it."""
    receiving, sending = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: this child needs none of them
        child = os.fork()
    if not child:
        try:
            work()
        except BaseException:  # noqa: BLE001  # the parent reports it
            os.write(sending, traceback.format_exc()[-4_000:].encode())
            os._exit(1)
        os._exit(0)
    os.close(sending)
    with open(receiving) as reader:  # noqa: PTH123  # a descriptor
        error = reader.read()
    _, status = os.waitpid(child, 0)
    return error if error or not status else f"the child ended with {status}"


def blocks_of(page: Path, kind: str) -> list[str]:
    return [found["text"] for found in BLOCK.finditer(page.read_text()) if found["kind"] == kind]


def named(pages: list[Path]) -> list[object]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


@pytest.mark.parametrize("page", named([page for page in PAGES if blocks_of(page, "python")]))
def test_the_python_of_a_page_runs(page: Path) -> None:
    text = "\n".join(blocks_of(page, "python"))

    assert run_in_a_child(lambda: run_python(text, page)) == ""


@pytest.mark.parametrize("page", named([page for page in PAGES if blocks_of(page, "json")]))
def test_the_json_of_a_page_is_json(page: Path) -> None:
    for text in blocks_of(page, "json"):
        json.loads(text)


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub makes for the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", named(PAGES))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for found in LINK.finditer(BLOCK.sub("", page.read_text())):
        target = page.parent / found["target"] if found["target"] else page
        assert target.exists(), found[0]
        assert found["anchor"] is None or found["anchor"] in anchors_of(target), found[0]


def commands_of(page: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for text in blocks_of(page, "sh") for line in text.splitlines())
    return [line for line in lines if line.startswith("conduit ")]


@pytest.mark.parametrize("page", named([page for page in PAGES if commands_of(page)]))
def test_the_commands_of_a_page_are_commands(page: Path) -> None:
    for command in commands_of(page):
        words = shlex.split(re.split(r"[<>&|]", command)[0])

        assert make_parser(COMMANDS).parse_args(words[1:]).command in COMMANDS


def rows_under(page: Path, heading: str) -> list[tuple[str, str]]:
    """The rows of each table of `page` whose second column has the `heading`."""
    rows, inside = [], False
    for line in page.read_text().splitlines():
        if line.startswith("| You write |"):
            inside = line == f"| You write | {heading} |"
        elif not line.startswith("|"):
            inside = False
        elif inside and (row := ROW.match(line)):
            rows.append((row["written"], row["given"]))
    return rows


TAGS = ROOT / "docs" / "tags.md"


def run_with(text: str, page: Path = TAGS) -> Conduit:
    """The page's job, with `text` as the parameter of its step `here`."""
    [page_job] = [found["text"] for found in BLOCK.finditer(page.read_text()) if found["mark"] == " job"]
    payload = json.loads(page_job)
    [here] = [step for step in payload["steps"] if step["id"] == "here"]
    here["parameters"]["value1"] = text
    job = Conduit.from_dict(payload)
    asyncio.run(job.run())
    return job


@pytest.mark.parametrize(("written", "given"), rows_under(TAGS, "You get"))
def test_a_tag_gives_what_its_page_says(written: str, given: str) -> None:
    step = run_with(written)["here"]

    assert step.error is None
    assert step.return_value == [json.loads(given.strip("`"))]


@pytest.mark.parametrize(("written", "given"), rows_under(TAGS, "The error"))
def test_a_tag_that_leads_nowhere_says_what_its_page_says(written: str, given: str) -> None:
    step = run_with(written)["here"]

    assert step.status is ConduitStatus.INVALID_ARGUMENT
    assert step.error is not None
    assert step.error["message"] == given


EXPRESSIONS = ROOT / "docs" / "expressions.md"


@pytest.mark.parametrize(("written", "given"), rows_under(EXPRESSIONS, "You get"))
def test_an_expression_gives_what_its_page_says(written: str, given: str) -> None:
    step = run_with(written, EXPRESSIONS)["here"]

    assert step.error is None
    assert json.dumps(step.return_value) == json.dumps([json.loads(given.strip("`"))])


@pytest.mark.parametrize(("written", "given"), rows_under(EXPRESSIONS, "The error"))
def test_a_wrong_expression_has_the_message_that_its_page_shows(written: str, given: str) -> None:
    step = run_with(written, EXPRESSIONS)["here"]

    assert step.status is ConduitStatus.INVALID_ARGUMENT
    assert step.error is not None
    assert step.error["message"] == given


def test_the_page_of_expressions_names_every_function_and_has_rows_of_both_kinds() -> None:
    text = EXPRESSIONS.read_text()

    assert [name for name in FUNCTIONS if f"`{name}" not in text] == []
    assert len(rows_under(EXPRESSIONS, "You get")) > 30
    assert len(rows_under(EXPRESSIONS, "The error")) >= 10


def test_the_page_of_tags_has_rows_of_both_kinds() -> None:
    assert len(rows_under(TAGS, "You get")) > 20
    assert len(rows_under(TAGS, "The error")) > 10


def test_the_first_job_of_the_readme_ends_as_the_readme_says() -> None:
    marked = {
        found["mark"]: found["text"] for found in BLOCK.finditer((ROOT / "README.md").read_text()) if found["mark"]
    }
    rows: list[tuple[str, ...]] = []
    job = Conduit.from_dict(json.loads(marked[" first"]))
    job.on_step_update = lambda _, step: rows.append(row_of(step))
    asyncio.run(job.run())

    in_order = sorted(rows, key=lambda row: int(row[0]))
    assert columns(pad(in_order)) == marked[" outcome"].splitlines()


def row_of(step: ConduitStep) -> tuple[str, ...]:
    shown = [json.dumps(json.loads(step.result_json))] if step.return_value and step.result_json else []
    return str(step.position), step.path, step.action, step.status.name, *shown


def pad(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [(*row, "")[:5] for row in rows]


def test_the_readme_has_the_costs_that_are_computed() -> None:
    computed = re.compile(
        r"^\| 10 steps over HTTP(?:, `StepEvents=(?:grouped|failures)`)? \|.*\*\*\$([\d.]+)\*\*", re.MULTILINE
    )
    quoted = re.compile(r"^\| Conduit over HTTP, .* \| (\d+) \|", re.MULTILINE)

    costs = [round(float(dollars)) for dollars in computed.findall((ROOT / "docs" / "deploy.md").read_text())]

    assert len(costs) == 3
    assert [int(dollars) for dollars in quoted.findall((ROOT / "README.md").read_text())] == costs


def test_every_page_is_in_the_index() -> None:
    linked = {found["target"] for found in LINK.finditer((ROOT / "docs" / "index.md").read_text())}

    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in linked | {"index.md"}] == []


def test_the_page_of_statuses_names_each_with_its_number() -> None:
    row = re.compile(r"^\| ([A-Z_]+) \| (-?\d+) \|", re.MULTILINE)
    listed = {name: int(value) for name, value in row.findall((ROOT / "docs" / "statuses.md").read_text())}

    assert listed == {status.name: status.value for status in ConduitStatus}


def test_the_tour_of_the_readme_works_as_it_is_pasted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command of the tour but the server, from a clone. The tutorial's commands run in a shell."""
    monkeypatch.chdir(ROOT)
    lines = [line for line in commands_of(ROOT / "README.md") if not line.startswith("conduit serve")]
    assert lines
    for line in lines:
        code = main(shlex.split(line)[1:])
        assert code == 0, (line, capsys.readouterr().err)


def test_no_python_that_is_meant_for_a_file_awaits_at_the_top_level() -> None:
    """Outside a function, `await` is a SyntaxError, and pasted code would not run at all."""
    for text in blocks_of(ROOT / "README.md", "python") + blocks_of(ROOT / "docs" / "blocks-of-your-own.md", "python"):
        compile(text, "page", "exec")


def test_the_file_that_the_page_of_blocks_builds_passes_the_linter() -> None:
    """The later parts have their own imports, which the page tells the reader to move."""
    parts = blocks_of(ROOT / "docs" / "blocks-of-your-own.md", "python")
    text = "\n\n".join(part for part in parts if "def test_" not in part and "asyncio.run(" not in part)
    ended = subprocess.run(  # our own page
        [sys.executable, "-m", "ruff", "check", "--ignore=E402,I001", "--stdin-filename=blocks/shipping.py", "-"],
        input=text,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
