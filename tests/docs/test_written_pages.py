"""Generated pages agree with the code, and the tables that they are generated from agree with the rest of the code."""

from __future__ import annotations

import re
from typing import Any

import pytest

from handler.invocation.metric_table import METRICS
from handler.settings import Settings, SettingsError
from tests.docs.scripts import DOCS, script
from tests.template.reading import read_template

ROOT = DOCS.parent
SCRIPTS = sorted(path.stem for path in DOCS.glob("*.py"))
FOLDERS = (".ci", ".github", "benchmarks", "blocks", "docs", "examples", "handler", "infra", "tests")
TARGET = re.compile(r"`make ([a-z][\w-]+)")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_page_says_what_the_code_says(name: str) -> None:
    writes = script(name)
    shipped = (writes.listed(),) if hasattr(writes, "listed") else ()  # without a deployment's own blocks
    assert writes.PAGE.read_text(encoding="utf-8") == writes.page(*shipped), "run `make pages`"


def test_make_has_each_target_that_pages_and_messages_name() -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    files = [*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.*"))]
    named = {
        target
        for path in files
        if path.suffix in {".py", ".md", ".yaml"}
        for target in TARGET.findall(path.read_text(encoding="utf-8"))
    }
    assert len(named) > 15
    assert named <= targets


def test_every_metric_that_is_emitted_is_in_the_table_with_its_unit_and_dimensions() -> None:
    table = {metric.name: metric for metric in METRICS}
    emitted = list(script("metrics_page").emissions())
    assert {one.name for one in emitted} == table.keys()
    for one in emitted:
        metric = table[one.name]
        assert (one.unit, one.dimensions, one.spread) == (metric.unit, metric.dimensions, metric.by_block), one


def values_of(parameter: dict[str, Any]) -> list[Any]:
    bounds = [parameter[name] for name in ("MinValue", "MaxValue") if name in parameter]
    return [*parameter.get("AllowedValues", ()), *bounds]


def test_a_setting_takes_each_value_that_its_parameter_allows() -> None:
    template = read_template()
    required = {"TABLE_NAME": "t", "BUS_NAME": "b", "QUEUE_URL": "q", "DEAD_LETTER_QUEUE_URL": "d"}
    tried = 0
    for name, setting in script("settings_page").setting_of(template).items():
        for value in values_of(template["Parameters"][name]):
            tried += 1
            try:
                Settings.from_environment({**required, setting: str(value)})
            except SettingsError as error:
                pytest.fail(f"{name}={value}: {error}")
    assert tried > 40


def test_every_setting_is_on_the_page_of_settings() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"`{name.upper()}`" not in text] == []
