"""The registry: each block is registered once, and a deployment provides their global values."""

from __future__ import annotations

import sys
import threading
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pytest

import blocks
from blocks import block as block_module
from blocks import discovery
from blocks.block import REGISTRY, Category, DuplicateBlockError, Registry
from blocks.discovery import BlockFolderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def greet() -> str:
    return "hello"


def part() -> str:
    return "bye"


def test_a_block_is_found_in_any_case_of_letters() -> None:
    assert REGISTRY.get("text.join") is REGISTRY.get("Text.Join") is REGISTRY.get("TEXT.JOIN")
    assert REGISTRY.get("TEXT.JOIN") is not None


def test_an_unknown_block_is_not_found(registry: Registry) -> None:
    assert registry.get("TEXT.NOTHING") is None


def test_a_name_registered_twice_names_both_functions(registry: Registry) -> None:
    Category("demo", registry=registry).block(name="hello")(greet)

    with pytest.raises(DuplicateBlockError, match=r"DEMO\.HELLO .*greet and by .*part"):
        Category("Demo", registry=registry).block(name="HELLO")(part)


def test_blocks_are_listed_by_their_names(registry: Registry) -> None:
    for name in ("b", "c", "a"):
        Category("demo", registry=registry).block(name=name)(greet)

    assert [block.action for block in registry] == ["DEMO.A", "DEMO.B", "DEMO.C"]
    assert len(registry) == 3


def test_nothing_is_discovered_before_the_first_look_up_and_only_once() -> None:
    calls: list[str] = []
    registry = Registry(lambda: calls.append("discovered"))
    Category("demo", registry=registry).block(greet)

    assert calls == []
    registry.get("DEMO.GREET")
    len(registry)
    list(registry)
    assert calls == ["discovered"]


def test_a_broken_file_is_named_at_every_look_up() -> None:
    def discover() -> None:
        Category("demo", registry=registry).block(greet)
        raise ImportError("broken file")

    registry = Registry(discover)

    for _ in range(2):  # a second discovery must not hide the error behind a duplicate registration
        with pytest.raises(ImportError, match="broken file"):
            registry.get("DEMO.GREET")


def test_a_file_may_look_a_block_up_while_it_is_imported() -> None:
    def discover() -> None:
        Category("demo", registry=registry).block(greet)
        assert registry.get("DEMO.GREET") is not None

    registry = Registry(discover)

    assert len(registry) == 1


def test_a_second_thread_waits_until_all_blocks_are_known() -> None:
    entered, finish = threading.Event(), threading.Event()

    def discover() -> None:
        entered.set()
        finish.wait(5)
        Category("demo", registry=registry).block(greet)

    registry = Registry(discover)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(registry.get("DEMO.GREET"))) for _ in range(2)]
    threads[0].start()
    assert entered.wait(5)
    threads[1].start()
    finish.set()
    for thread in threads:
        thread.join(5)

    assert len(found) == 2
    assert None not in found


@pytest.fixture
def forget() -> Iterator[list[str]]:
    """Names of modules to forget after the test."""
    names: list[str] = []
    yield names
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry that replaces the deployment's and discovers blocks in the same way."""
    registry = Registry(REGISTRY._discover)
    monkeypatch.setattr(block_module, "REGISTRY", registry)
    return registry


def test_one_more_file_in_the_folder_is_found_without_wiring(
    fresh: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forget: list[str]
) -> None:
    (tmp_path / "billing.py").write_text(
        "from blocks.block import Category\n"
        "billing = Category('BILLING')\n"
        "@billing.block\n"
        "def charge(gateway__, *, cents: int) -> int:\n"
        "    return cents\n"
    )
    monkeypatch.setattr(blocks, "__path__", [*blocks.__path__, str(tmp_path)])
    forget.append("blocks.billing")

    assert fresh.get("BILLING.CHARGE") is not None


def test_a_folder_that_conduit_blocks_names_is_loaded_as_if_it_were_shipped(
    fresh: Registry, monkeypatch: pytest.MonkeyPatch, forget: list[str], tmp_path: Path
) -> None:
    (tmp_path / "invoicing.py").write_text(
        "from blocks.block import Category\n@Category('INVOICING').block\ndef send() -> None: ...\n"
    )
    monkeypatch.setattr(blocks, "__path__", [*blocks.__path__])
    monkeypatch.setenv("CONDUIT_BLOCKS", str(tmp_path))
    forget.append("blocks.invoicing")

    found = fresh.get("INVOICING.SEND")

    assert found is not None
    assert found.function.__module__ == "blocks.invoicing"


@pytest.mark.parametrize(("file", "message"), [(None, "is not a folder"), ("text.py", "has the name of another file")])
def test_a_folder_of_blocks_that_cannot_be_used_is_named(
    fresh: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: str | None, message: str
) -> None:
    folder = tmp_path / "mine"
    if file is not None:
        folder.mkdir()
        (folder / file).write_text("")
    monkeypatch.setattr(blocks, "__path__", [*blocks.__path__])
    monkeypatch.setenv("CONDUIT_BLOCKS", str(folder))

    with pytest.raises(BlockFolderError, match=message):
        fresh.get("TEXT.JOIN")


def test_an_installed_package_is_found_by_its_entry_point(
    fresh: Registry, monkeypatch: pytest.MonkeyPatch, forget: list[str], tmp_path: Path
) -> None:
    (tmp_path / "acme_conduit_blocks.py").write_text(
        "from blocks.block import Category\n@Category('ACME').block\ndef greet(*, name: str) -> str:\n    return name\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    forget.append("acme_conduit_blocks")
    announced = EntryPoint(name="acme", value="acme_conduit_blocks", group="conduit.blocks")
    monkeypatch.setattr(discovery, "entry_points", lambda *, group: [announced] if group == announced.group else [])

    assert fresh.get("ACME.GREET") is not None


def test_a_provided_value_is_made_at_its_first_use_and_kept(registry: Registry) -> None:
    made: list[object] = []

    def connect() -> object:
        made.append(object())
        return made[-1]

    registry.provide("gateway", connect)

    assert list(registry.global_values()) == ["gateway"]
    assert made == []
    assert registry.global_values()["gateway"] is registry.global_values()["gateway"]
    assert len(made) == 1


def test_a_value_provided_twice_is_refused(registry: Registry) -> None:
    registry.provide("gateway", object)

    with pytest.raises(DuplicateBlockError, match="gateway"):
        registry.provide("gateway", object)


def test_the_provide_decorator_announces_and_keeps_the_function(fresh: Registry) -> None:
    @block_module.provide("answer")
    def answer() -> int:
        return 42

    assert answer() == 42
    assert fresh.global_values()["answer"] == 42
    assert len(fresh.global_values()) == 1


def test_only_the_letters_of_ascii_have_two_cases(registry: Registry) -> None:
    Category("PLAIN", registry=registry).block(name="ASSERT")(lambda: None)
    assert registry.get("plain.assert") is not None
    assert registry.get("plain.aßert") is None
