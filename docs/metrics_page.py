"""Writes ``docs/metrics.md`` from the table of metrics and from the calls that emit them.

Run it with ``make metrics-page`` when a metric has changed; a test fails if the page is outdated.
"""  # noqa: INP001  # a script in the folder of the page that it writes

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_args

from handler.invocation.metric_table import METRICS, Metric, Unit
from handler.invocation.metrics import MAX_VALUES, NAMESPACE
from handler.jobs.bulk import What

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("metrics.md")
METHODS: dict[str, Unit] = {"count": "Count", "time": "Milliseconds", "times": "Milliseconds"}
INTRODUCTION = f"""\
# Metrics

What the handler emits, in the CloudWatch namespace `{NAMESPACE}`. Every metric has the dimension `service`, the name of
the stack. They are written once, at the end of an invocation, as lines of CloudWatch's embedded metric format.
`LogLevel` does not drop them; `POWERTOOLS_METRICS_DISABLED` does. One invocation keeps at most {MAX_VALUES:,} values
of a duration.

Metrics have *(Block)* only with [`BlockMetrics=true`](settings.md), because each combination of dimensions is billed as
a metric of its own. A step whose action is not a block has the block `UNKNOWN`: user input never becomes
a dimension."""
VALUES = """\
## Values of the dimensions

- `Status` of a job: `SUCCEEDED`, `FAILED` or `CANCELLED`; of a step: the name of one of the [statuses](statuses.md).
- `Block`: an action, such as `TEXT.JOIN`.
- `Reason` of a dropped firing: see [workflows](workflows.md).
- `Door`: what was being done when AWS failed: {doors}."""
WATCHED = """\
The dashboard and the alarms of `template.yaml` use these metrics and AWS's own;
[what to watch](deploy.md#what-to-watch) says what each alarm means.

This page is written from `handler/invocation/metric_table.py` and the calls that emit, with `make metrics-page`."""


class Emission(NamedTuple):
    """One call that counts or measures.

    Attributes:
        name: the metric's name.
        unit: the unit of the method that is called.
        dimensions: the dimensions that the call names.
        spread: whether the call may add others (``**of_block``).
        file: its file, from the root of the project.
    """

    name: str
    unit: Unit
    dimensions: tuple[str, ...]
    spread: bool
    file: str


def emissions() -> Iterator[Emission]:
    """Every call that emits, in the order of the files."""
    for path in sorted((ROOT / "handler").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            if node.func.attr not in METHODS or not ast.unparse(node.func.value).endswith("metrics"):
                continue
            name = ast.literal_eval(node.args[0])  # fails for anything but a literal, which could not be in the table
            named = tuple(keyword.arg for keyword in node.keywords if keyword.arg is not None)
            spread = len(named) < len(node.keywords)
            yield Emission(name, METHODS[node.func.attr], named, spread, str(path.relative_to(ROOT)))


def doors() -> set[str]:
    """The purposes of AWS calls, as named in the code."""
    found = set()
    for path in sorted((ROOT / "handler").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                first = node.args[0]
                if node.func.attr in {"served", "_served", "log_failure"} and isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found | {f"bulk_{what}" for what in get_args(What)}


def page() -> str:
    """The page as it should be: Markdown."""
    rows = ["| Metric | Unit | Dimensions | What it counts or measures | Emitted in |", "|---|---|---|---|---|"]
    found = list(emissions())
    rows += [_row(metric, sorted({one.file for one in found if one.name == metric.name})) for metric in METRICS]
    named = ", ".join(f"`{door}`" for door in sorted(doors()))
    return "\n\n".join([INTRODUCTION, "\n".join(rows), VALUES.format(doors=named), WATCHED]) + "\n"


def _row(metric: Metric, files: list[str]) -> str:
    dimensions = [*metric.dimensions, *(["(Block)"] if metric.by_block else [])]
    places = ", ".join(f"`{file}`" for file in files)
    return f"| `{metric.name}` | {metric.unit} | {', '.join(dimensions)} | {metric.about} | {places} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
