"""The arguments of the `conduit` command and their help."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from handler.console.completion import SHELLS
from handler.console.remote_usage import EPILOG, add_jobs

_EPILOG: Final = """\
examples:
  conduit run examples/order.json       run a job and see its steps
  conduit run --json jobs/*.json        run jobs, print one finished job per line
  cat jobs.jsonl | conduit run --json - read and print one job per line
  conduit validate job.json             check a job without running it
  conduit blocks TEXT.JOIN              explain a block
  conduit serve --port 8080             open the HTTP API
  conduit jobs list --status FAILED     list the jobs of a stack or of `serve`
"""
_NEW: Final = """\
example:
  conduit new ../automations && cd ../automations && make test run

exit codes: 0 on success, 2 when the folder cannot be used"""
_COMPLETION: Final = """\
example, in a start-up file of the shell:
  eval "$(conduit completion bash)\""""
_CODES: Final = """\
exit codes: 0 on success, 1 when a job failed,
2 when something could not be read or was refused"""


class _Parser(argparse.ArgumentParser):
    """A parser that raises an error if help cannot be written, like every command. argparse ignores it."""

    def _print_message(self, message: str, file: Any = None) -> None:
        stream = file or sys.stderr
        stream.write(message or "")
        stream.flush()


def make_parser(commands: Iterable[str] = ()) -> argparse.ArgumentParser:
    """The command's arguments and their help.

    Args:
        commands: the allowed values of `Namespace.command`.
    """
    parser = _Parser(
        prog="conduit",
        description="Run jobs written as JSON through the Lambda handler, on an embedded AWS.",
        epilog=_EPILOG + "\n" + _CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(added)
    _add_serve(added)
    _add_validate(added)
    _add_blocks(added)
    schema = _add(added, "schema", "print the JSON Schema of a job, for editors")
    schema.add_argument("file", nargs="?", metavar="FILE", help="file to write it to (default: print it)")
    _add_tag(schema)
    _add_blocks_option(schema)
    completion = _add(added, "completion", "print a script that completes commands in a shell", _COMPLETION)
    completion.add_argument("shell", choices=SHELLS)
    new = _add(added, "new", "create a project: a block with its test, a job, a template", _NEW)
    new.add_argument("folder", metavar="FOLDER", help="where to create it; the last part is the project's name")
    new.add_argument(
        "--checkout", metavar="FOLDER", help="the checkout of Conduit to deploy (default: the running one)"
    )
    add_jobs(_add(added, "jobs", "list, watch, submit, cancel, redrive and answer jobs of a stack", EPILOG))
    _add_deployment(_add(added, "demo", "run two example jobs and show their records and events"))
    parser.add_argument("--version", action="version", version=f"conduit {_version()}")
    for name in commands:
        added.choices[name].set_defaults(command=name)
    return parser


def _add_run(added: Any) -> None:
    run = _add(
        added,
        "run",
        "run jobs and show their steps",
        "examples:\n"
        "  conduit run examples/order.json\n"
        "  conduit run --records examples/order.json\n"
        "  conduit run --json - < jobs.jsonl\n"
        "  conduit run --invocation 3 examples/hand-over.json\n\n" + _CODES,
    )
    run.add_argument("files", nargs="+", metavar="FILE", help="a file with one job; - reads one job per line")
    run.add_argument("--json", action="store_true", help="print each finished job as one line of JSON")
    run.add_argument("--output", action="store_true", help="print the job's output alone, as JSON")
    run.add_argument(
        "--param",
        action="append",
        type=_parameter,
        default=[],
        metavar="NAME=VALUE",
        help="a parameter to add to the job's own; JSON, else a string; repeatable",
    )
    run.add_argument("--watch", action="store_true", help="run again whenever a file changes")
    run.add_argument("--records", action="store_true", help="show the records in the table and the events on the bus")
    _add_deployment(run)


def _add_serve(added: Any) -> None:
    serve = _add(
        added,
        "serve",
        "open the HTTP API on a port, with its worker, its sweeper and an event log",
        "examples:\n"
        "  conduit serve --port 8080\n"
        "  curl -d @examples/order.json -H 'Content-Type: application/json' \\\n"
        "    http://127.0.0.1:8080/jobs\n\n"
        "A page of all jobs is at /. The API and the worker are two processes, as in AWS;\n"
        "both restart when a file of blocks changes. Schedules fire, and hooks and\n"
        "callbacks answer at this address. There is no authentication. Without --data\n"
        "everything is deleted when the command ends.",
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=_port, default=8080, help="port to listen on, 0 for any (default: %(default)s)")
    serve.add_argument("--data", metavar="FOLDER", help="folder to keep tables and queues in, for the next start")
    _add_deployment(serve)


def _add_validate(added: Any) -> None:
    validate = _add(
        added,
        "validate",
        "report the problems of jobs, without running them",
        "exit codes: 0 when every job is valid, 1 when a job is not valid,\n2 when a job cannot be read",
    )
    validate.add_argument("files", nargs="+", metavar="FILE", help="a file with one job; - reads one job per line")
    validate.add_argument("--json", action="store_true", help="print each answer as one line of JSON")
    _add_tag(validate)
    _add_blocks_option(validate)


def _add_blocks(added: Any) -> None:
    blocks = _add(added, "blocks", "list the blocks that a step can call, or explain one")
    blocks.add_argument("name", nargs="?", metavar="NAME", help="a block, such as TEXT.JOIN, or a category: TEXT")
    blocks.add_argument("--search", metavar="WORDS", help="only blocks with these words in their name or description")
    blocks.add_argument("--json", action="store_true", help="print JSON, with the JSON Schema of the parameters")
    _add_blocks_option(blocks)


def _add(added: Any, name: str, summary: str, epilog: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = added.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_deployment(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the deployment")
    group.add_argument("--tenant", default="local", help="tenant that owns the jobs (default: %(default)s)")
    _add_tag(group)
    group.add_argument(
        "--invocation",
        type=_seconds,
        metavar="SECONDS",
        help="how long one invocation lasts; a longer job is handed over",
    )
    _add_blocks_option(group)
    group.add_argument(
        "--secrets",
        metavar="FILE",
        help="secrets to store first: a JSON object of name and {value, hosts, uses}",
    )
    group.add_argument("-v", "--verbose", action="store_true", help="show the function's log on stderr")


def _add_tag(parser: Any) -> None:
    parser.add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="TAG",
        help="a tag to give the jobs, for blocks that need one; repeatable",
    )


def _add_blocks_option(parser: Any) -> None:
    parser.add_argument(
        "--blocks",
        action="append",
        metavar="FOLDER",
        help="a folder with blocks of your own; repeatable (default: $CONDUIT_BLOCKS)",
    )


def _version() -> str:
    try:
        return version("conduit-lambda")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "(not installed)"


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 900:  # noqa: PLR2004  # Lambda's own limit
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0 and at most 900")
    return seconds


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:  # noqa: PLR2004  # the largest port
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use 0 to 65535")
    return int(text)
