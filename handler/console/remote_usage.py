"""The arguments of `conduit jobs` and their help."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any, Final

URL: Final = "CONDUIT_URL"
TOKEN: Final = "CONDUIT_TOKEN"  # noqa: S105  # the name of a variable
EPILOG: Final = """\
examples:
  conduit jobs list --status FAILED
  conduit jobs submit examples/order.json
  conduit jobs watch order-42
  conduit jobs answer order-42 ok --value '{"limit": 500}'
  conduit jobs redrive order-42 --from charge

The API is at --url or CONDUIT_URL (default: http://127.0.0.1:8080, where
`conduit serve` listens). With --token or CONDUIT_TOKEN, requests carry a bearer
token. Without one, requests to API Gateway are signed with AWS credentials.

exit codes: 0 on success, 1 when the job did not succeed,
2 when the API refused the request or does not answer"""


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add the actions of `conduit jobs` to its parser."""
    parser.add_argument("--url", help=f"address of the API (default: ${URL}, or a local `conduit serve`)")
    parser.add_argument("--token", help=f"bearer token (default: ${TOKEN})")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    _add_list(actions.add_parser("list", help="list jobs, newest first"))
    for name, summary in (
        ("show", "show a job with its steps"),
        ("watch", "follow a job until it ends"),
        ("cancel", "end a job before its next step"),
        ("redrive", "run a failed or cancelled job again from a step"),
        ("answer", "answer a step that waits for a person"),
        ("logs", "show the log lines of a job from CloudWatch"),
    ):
        action = actions.add_parser(name, help=summary)
        action.add_argument("id", metavar="JOB", help="id of the job")
        if name == "show":
            action.add_argument("--json", action="store_true", help="print the job as one line of JSON")
        if name == "redrive":
            action.add_argument(
                "--from", dest="from_step", metavar="PATH", help="step to resume from (default: the failed one)"
            )
        if name == "answer":
            _add_answer(action)
        if name == "logs":
            action.add_argument("--group", action="append", required=True, help="log group of a function; repeatable")
    submit = actions.add_parser("submit", help="send jobs and show them")
    submit.add_argument("files", nargs="+", metavar="FILE", help="a file with one job; - reads one job per line")
    submit.add_argument("--async", dest="respond_async", action="store_true", help="do not wait for the job to end")
    submit.add_argument("--json", action="store_true", help="print each job as one line of JSON")


def _add_list(parser: argparse.ArgumentParser) -> None:
    for name, about in (
        ("status", "status: QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED"),
        ("waiting", "kind of the job's wait: answer, time or retry"),
        ("name", "beginning of the job's name"),
        ("workflow", "name of a stored workflow"),
        ("created-after", "created at this RFC 3339 time or later"),
        ("created-before", "created before this RFC 3339 time"),
    ):
        parser.add_argument(f"--{name}", help=about)
    parser.add_argument("--limit", type=_count, default=20, help="how many jobs (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print each job as one line of JSON")


def _add_answer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="path of the step, such as ok or orders.3.ok")
    parser.add_argument("--value", type=_json, help="the answer as JSON")
    parser.add_argument("--reject", action="store_true", help="answer no: the step ends REJECTED")
    parser.add_argument("--reason", help="reason for the answer")


def address_of(chosen: argparse.Namespace) -> tuple[str, str | None]:
    """The URL and the token, from the arguments or the environment."""
    url: str = chosen.url or os.environ.get(URL) or "http://127.0.0.1:8080"
    token: str | None = chosen.token or os.environ.get(TOKEN)
    return url, token


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
