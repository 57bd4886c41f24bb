"""The map of docs/architecture.md is the import graph."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PAGES = Path(__file__).resolve().parents[2] / "docs"


def test_the_map_of_rooms_is_what_the_code_imports() -> None:
    spec = importlib.util.spec_from_file_location("architecture_map", PAGES / "architecture_map.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.page() == (PAGES / "architecture.md").read_text(encoding="utf-8"), "run `make architecture-map`"
