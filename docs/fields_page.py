"""Writes ``docs/job-fields.md``, every field of a job, from the table by which payloads are checked.

Run it with ``make fields-page`` when a field has changed; a test fails if the page is outdated.
"""  # noqa: INP001  # a script in the folder of the page that it writes

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from handler.payload.fields import JOB, KINDS
from handler.payload.groups import BRANCH, POLL, RETRY, TOLERATE, WAIT, WAIT_FOR
from handler.payload.table import ABSENT, Field
from handler.payload.values import Value

PAGE = Path(__file__).with_name("job-fields.md")

INTRODUCTION = """\
# The fields of a job

Every field that a job may have, with its type and default. [The language](language.md) explains what the steps do and
how they work together; `GET /schema` has the same fields for editors.

A field that is not required may be left out; if null is allowed, it means the same. *Literal* fields take no tags and
no expressions. Unknown fields are refused, and so are fields of another kind of step.

This page is written from the table that checks payloads, with `make fields-page`."""

GROUPS: Final = {
    "retry": (RETRY, "When and how often a step's block is tried again. `{}` is a retry with the defaults."),
    "poll": (POLL, "Calls a step's block again until a condition holds."),
    "tolerate": (TOLERATE, "How many items of a loop may fail. Exactly one of the two fields is needed."),
    "branch": (BRANCH, "One branch of a choice."),
    "wait": (WAIT, "How long a step waits, or until when. Exactly one of the two fields is needed."),
    "wait_for": (WAIT_FOR, "The question of a step, and who may answer it."),
}
EVERYWHERE: Final = ("id", "if", "forced")
NAMES: Final = ("id", "action", "$schema")
"""Fields whose rows do not mention tags."""


def page() -> str:
    """The page, as Markdown."""
    return "\n\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    yield INTRODUCTION
    yield "## A job"
    yield _table(JOB.fields)
    yield "## A step"
    yield (
        "Each step is of exactly one of the kinds below, shown by the first field of each table. Inner steps (in a\n"
        "loop, a branch or a `try`) need an `id`. All kinds have these fields:"
    )
    block = KINDS["block"].fields
    yield _table({name: block[name] for name in EVERYWHERE})
    for kind in KINDS.values():
        yield f"### `{kind.key}`"
        action = f" Its `action` in records and answers is `{kind.action}`." if kind.action else ""
        yield f"{kind.about}{action}"
        yield _table({name: one for name, one in kind.fields.items() if name not in EVERYWHERE})
    yield "## Objects in steps"
    for name, (group, about) in GROUPS.items():
        yield f"### In `{name}`" if name != "branch" else "### In a branch of `choose`"
        yield about
        yield _table(group.fields)


def _table(fields: Mapping[str, Field]) -> str:
    return "\n".join(["| Field | Holds | Default | Meaning |", "|---|---|---|---|", *map(_row, fields.values())])


def _row(one: Field) -> str:
    holds = one.expects.replace("|", "\\|") + (", or null" if one.nullable else "")
    default = "required" if one.required else "" if one.default is ABSENT else f"`{json.dumps(one.default)}`"
    literal = " *Literal.*" if isinstance(one.holds, Value) and not one.tags and one.name not in NAMES else ""
    return f"| `{one.name}` | {holds} | {default} | {one.about}{literal} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
