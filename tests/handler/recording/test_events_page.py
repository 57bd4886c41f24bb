"""docs/events.md documents exactly the fields of its examples and of the events that real jobs publish."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.docs.scripts import script

PAGE = script("events_page")
HOLDS = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
    "true": lambda value: value is True,
    "time": lambda value: bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(value))),
    "any": lambda _: True,
}
WORK = {"action": "PROBE.WORK"}
FAILS = {"action": "PROBE.WORK", "parameters": {"fail": True}}


def fields_of(value: Any, at: str, documented: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each field by its place, except those inside a field that may hold any JSON."""
    if isinstance(value, dict):
        for name, inner in value.items():
            place = f"{at}.{name}" if at else name
            yield place, inner
            if any(other.startswith((f"{place}.", f"{place}[")) for other in documented):
                yield from fields_of(inner, place, documented)
    elif isinstance(value, list):
        for inner in value:
            yield from fields_of(inner, f"{at}[]", documented)


def check(kind: str, detail: Mapping[str, Any]) -> set[str]:
    """Compare an event with the page; returns the event's fields."""
    documented = PAGE.FIELDS[kind]
    found = list(fields_of(detail, "", documented))
    for place, value in found:
        assert place in documented, f"{kind} has `{place}`, which docs/events.md does not name"
        assert any(HOLDS[word](value) for word in documented[place].holds.split(" | ")), (kind, place, value)
    places = {place for place, _ in found}
    for place, field in documented.items():
        above = place.rpartition(".")[0].removesuffix("[]")
        if field.always and any(value for name, value in found if name == above or not above):
            assert place in places, f"{kind} lacks `{place}`"
    return places


def test_the_examples_of_the_page_have_the_fields_that_it_names() -> None:
    for kind, shown in PAGE.examples().items():
        entries = list(shown.values())
        assert {entry.detail_type for entry in entries} == {kind}
        found = set[str]().union(*(check(kind, json.loads(entry.detail)) for entry in entries))
        rare = {place for place, field in PAGE.FIELDS[kind].items() if not field.always}
        assert PAGE.FIELDS[kind].keys() - found <= rare


@pytest.mark.parametrize("step_events", ["all", "grouped"])
def test_published_events_have_the_fields_that_the_page_names(world: Any, step_events: str) -> None:
    world.set(step_events=step_events, event_limit=1024)
    loop = {"id": "all", "for_each": [1, 2], "do": [{"id": "one", **FAILS}], "tolerate": {"count": 1}}
    choice = {"id": "way", "choose": [{"if": True, "do": [{"id": "yes", **WORK}]}]}
    guarded = {"id": "safe", "try": [{"id": "risky", **FAILS}], "catch": [{"id": "mend", **WORK}]}
    large = {"id": "large", "action": "TEXT.JOIN", "parameters": {"text1": "x" * 2000, "text2": ""}}
    wrong = {"action": "PROBE.WORK", "parameters": {"seconds": "soon"}}
    world.submit(WORK, choice, guarded, large, loop, WORK, id="a", name="A")
    world.submit(wrong, WORK, id="b")
    world.submit({"id": "ok", "wait_for": {"timeout": 60}}, id="c")
    found: set[str] = set()
    for event in world.bus.events:
        kind = event.pop("type")
        found |= {kind} | check(kind, event)
    steps, prefix = ("Steps Updated", "steps[]") if step_events == "grouped" else ("Step Updated", "step")
    expected = {steps, "Job Waiting", "Job Finished", "job.failed_step.path"}
    assert expected | {f"{prefix}.{name}" for name in ("result_omitted", "error.details")} <= found
