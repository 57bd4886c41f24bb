"""Writes ``docs/settings.md``: the template's parameters, and the setting of ``handler/settings.py`` that each sets.

Run it with ``make settings-page`` when a parameter or a setting has changed; a test fails if the page is outdated.
"""  # noqa: INP001  # a script in the folder of the page that it writes

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from handler.settings import Settings
from tests.template.reading import read_template

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("settings.md")
FUNCTIONS = ("ApiFunction", "WorkerFunction")
INTRODUCTION = """\
# Settings

What a deployment can choose. A *parameter* is what `sam deploy --parameter-overrides` takes. A *setting* is the
environment variable that the functions read. Other pages use either name. Sizes are bytes and times are seconds, unless
a name or its meaning says otherwise. Lists are separated by commas or spaces. An empty variable counts as not set.

A parameter without a setting is about the stack: it changes resources, not the handler. Where Conduit runs without the
template, as in tests of your own, a setting that is not set has the same default as its parameter.

This page is written from `template.yaml` and `handler/settings.py`, with `make settings-page`."""
OTHERS = """\
## Settings without a parameter

The template derives these from its own resources and from other parameters."""


def page() -> str:
    """The page, as Markdown."""
    return "\n\n".join(_parts(read_template())) + "\n"


def variables(template: Mapping[str, Any]) -> dict[str, Any]:
    """The environment of both functions together: some settings belong to only one function."""
    found: dict[str, Any] = dict(template["Globals"]["Function"]["Environment"]["Variables"])
    for function in FUNCTIONS:
        found |= template["Resources"][function]["Properties"]["Environment"]["Variables"]
    return {name: value for name, value in found.items() if name.lower() in Settings.model_fields}


def setting_of(template: Mapping[str, Any]) -> dict[str, str]:
    """The setting whose value each parameter becomes unchanged, by the parameter."""
    return {
        value["Ref"]: name
        for name, value in variables(template).items()
        if isinstance(value, dict) and value.get("Ref") in template["Parameters"]
    }


def explained() -> dict[str, str]:
    """The explanation of each setting: the string below its field in the code."""
    (model,) = (
        node
        for node in ast.parse((ROOT / "handler" / "settings.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == Settings.__name__
    )
    found = {}
    for field, below in zip(model.body, model.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[ast.unparse(field.target)] = " ".join(str(below.value.value).split())
    return found


def _parts(template: Mapping[str, Any]) -> Iterator[str]:
    yield INTRODUCTION
    settings, parameters = setting_of(template), template["Parameters"]
    for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]:
        yield f"## {group['Label']['default']}"
        rows = ["| Parameter | Setting | Default | Takes | Meaning |", "|---|---|---|---|---|"]
        for name in group["Parameters"]:
            setting = f"`{settings[name]}`" if name in settings else ""
            one = parameters[name]
            rows.append(
                f"| `{name}` | {setting} | {_shown(one['Default'])} | {_takes(one)} | {_text(one['Description'])} |"
            )
        yield "\n".join(rows)
    yield OTHERS
    rows = ["| Setting | Default | Meaning |", "|---|---|---|"]
    about = explained()
    for name, field in Settings.model_fields.items():
        if name.upper() not in settings.values():
            required = field.default is PydanticUndefined
            default = "required" if required else _shown(_words(field.default))
            rows.append(f"| `{name.upper()}` | {default} | {about[name]} |")
    yield "\n".join(rows)


def _words(default: Any) -> Any:
    if isinstance(default, tuple):
        return ", ".join(str(one) for one in default)
    return str(default).lower() if isinstance(default, bool) else default


def _shown(default: Any) -> str:
    return "(empty)" if default == "" else f"`{default}`"


def _takes(parameter: Mapping[str, Any]) -> str:
    if "AllowedValues" in parameter:
        return ", ".join(f"`{value}`" for value in parameter["AllowedValues"])
    if parameter["Type"] != "Number":
        return "at least 1, or empty" if parameter.get("AllowedPattern") == "|[1-9][0-9]*" else "string"
    low, high = parameter.get("MinValue"), parameter.get("MaxValue")
    return f"at least {low:,}" if high is None else f"{low:,} to {high:,}"


def _text(description: str) -> str:
    return " ".join(description.split()).replace("|", "\\|").replace("*.", "\\*.")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
