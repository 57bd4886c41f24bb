"""Writes the map of rooms into ``docs/architecture.md`` from the import graph of the code.

Run it with ``make architecture-map`` when an import between rooms has changed; a test fails if the page is outdated.
"""  # noqa: INP001  # a script in the folder of the page that it writes

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import grimp

PAGE = Path(__file__).with_name("architecture.md")
BEGIN, END = "<!-- map: written by make architecture-map -->", "<!-- end of map -->"
FRAME = {"ports", "settings", "errors", "caller"}
WIRING = {"outside": "wiring"}
ROOMS = (
    ("cli", "`handler/cli.py`", "the command line"),
    ("console", "`handler/console/`", "a developer's machine: local Lambda, local server, tables in a terminal"),
    ("app", "`handler/app.py`", "`lambda_handler`: which door an event goes to"),
    ("doors", "`handler/doors/`", "SQS batches, the sweep's timer, direct invocation"),
    ("http", "`handler/http/`", "the HTTP door: router, endpoints, identity, problems, OpenAPI, pages"),
    ("jobs", "`handler/jobs/`", "use cases: submit, read, list, cancel, redrive, run from the queue, sweep"),
    ("workflows", "`handler/workflows/`", "stored workflows, schedules, hooks, secrets"),
    ("validation", "`handler/validation/`", "checks of a job before it runs; the JSON Schema"),
    ("recording", "`handler/recording/`", "the record protocol: recorder, commits, publisher, events"),
    ("payload", "`handler/payload/`", "parsing what users send: JSON text, shape, problems"),
    (
        "wiring",
        "`handler/wiring.py outside.py`",
        "builds clients and ports from the settings, and what blocks get",
    ),
    ("frame", "`ports settings errors caller`", "what the use cases are handed, and what they raise"),
    ("invocation", "`handler/invocation/`", "one invocation: time left, event loop, hard stop, log, metrics"),
    (
        "engine",
        "`handler/engine/`",
        "pure: steps, flow, language, time limits. No AWS, no environment, no clock of its own",
    ),
    ("blocks", "`blocks/`", "what a step can do"),
    ("infra", "`infra/`", "table, bus, queue, HTTP: the only folder that talks to services"),
)
ROOMS_OF_INFRA = (
    ("local", "`infra/local/`", "a developer's machine: the embedded AWS, its queue poller, its data folder"),
    ("jobs", "`infra/jobs/`", "jobs in the table: records, and the conditional writes of the record protocol"),
    ("secrets", "`infra/secrets/`", "secrets of tenants: stored encrypted, decrypted for a call, access tokens"),
    ("messaging", "`infra/messaging/`", "the event bus, the job queue, EventBridge Scheduler"),
    ("outside", "`infra/outside/`", "calls of jobs over HTTP and to AWS, within the rules of the deployment"),
    ("table", "`infra/table/`", "one DynamoDB table: items, conditions, calls for many items at once"),
    ("aws", "`infra/aws/`", "clients of AWS, their connections, calls that several jobs share"),
    ("remote", "`infra/remote/`", "a deployed stack as the command line sees it: its HTTP API, its logs"),
    ("frame", "`errors aside`", "errors of AWS by what the caller does next; calls that cannot be interrupted"),
)
Rooms = tuple[tuple[str, str, str], ...]


def room_of(module: str) -> str | None:
    """The room that a module belongs to; ``None`` for ``handler`` itself and for other modules."""
    parts = module.split(".")
    if parts[0] != "handler":
        return parts[0]
    if len(parts) == 1:
        return None
    return "frame" if parts[1] in FRAME else WIRING.get(parts[1], parts[1])


def room_of_infra(module: str) -> str | None:
    """The room of `infra` that a module belongs to; ``None`` for other modules."""
    folder, *path = module.split(".")
    if folder != "infra" or not path:
        return None
    return path[0] if any(path[0] == name for name, _, _ in ROOMS_OF_INFRA) else "frame"


def arrows(rooms: Rooms, room: Callable[[str], str | None]) -> dict[str, set[str]]:
    """The rooms that each of ``rooms`` imports; ``room`` returns the room of a module."""
    graph = grimp.build_graph("handler", "blocks", "infra", cache_dir=None)
    found: dict[str, set[str]] = {name: set() for name, _, _ in rooms}
    for module in graph.modules:
        here = room(module)
        for imported in graph.find_modules_directly_imported_by(module):
            there = room(imported)
            if here in found and there in found and here != there:
                found[here].add(there)
    return found


def table(rooms: Rooms, room: Callable[[str], str | None]) -> str:
    """The map of ``rooms`` as a Markdown table, from the highest floor to the lowest."""
    order = [name for name, _, _ in rooms]
    rows = ["| Room | Where | What happens there | Imports |", "|---|---|---|---|"]
    imports = arrows(rooms, room)
    for name, where, what in rooms:
        below = ", ".join(sorted(imports[name], key=order.index)) or "none of these"
        rows.append(f"| **{name}** | {where} | {what} | {below} |")
    return "\n".join(rows)


def page() -> str:
    """The page as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    maps = f"{table(ROOMS, room_of)}\n\nThe rooms of `infra`:\n\n{table(ROOMS_OF_INFRA, room_of_infra)}"
    return f"{before}{BEGIN}\n\n{maps}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
