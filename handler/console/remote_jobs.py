"""The actions of `conduit jobs`, which call the HTTP API of a deployed or local stack."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from handler.console.job_source import read_jobs
from handler.console.remote_usage import address_of
from handler.console.shown.job_text import closing_lines, columns, job_lines, shorten, step_cells, summary_of
from handler.console.shown.output import complain, terminal_width, write
from infra.aws.clients import Clients
from infra.errors import InfraError
from infra.jobs.records import FINISHED
from infra.remote.api import RemoteAnswer, RemoteApi, UnreachableApiError
from infra.remote.logs import read_job_log

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0
"""The longest pause of `watch` between two requests, in seconds; the pause doubles while nothing changes."""
PATIENCE: Final = 60.0
"""Seconds for which `watch` waits for an API that has answered before, such as a local one that restarts."""
NOT_MODIFIED: Final = 304
SUCCESS: Final = 300
"""HTTP statuses below this one are successes."""


class RefusedRequestError(Exception):
    """The API refused a request. The message is the problem's detail, then a line for each error."""


def run_action(chosen: Namespace) -> int:
    """Run the action that the arguments of `conduit jobs` name.

    Returns:
        0; 1 when a job did not succeed; 2 when the API, or AWS for `logs`, refused the request or does not answer.
    """
    try:
        if chosen.action == "logs":
            lines = read_job_log(lambda: Clients().client("logs"), chosen.group, chosen.id)
            write(json.dumps(line, ensure_ascii=False) for line in lines)
            return 0
        return RemoteJobs(RemoteApi(*address_of(chosen))).run(chosen)
    except (RefusedRequestError, UnreachableApiError, InfraError) as error:
        complain(str(error))
        return 2


class RemoteJobs:
    """The actions, one method each.

    Args:
        api: the API to call.
        sleep: waits for a number of seconds.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        api: RemoteApi,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._sleep = sleep
        self._clock = clock

    def run(self, chosen: Namespace) -> int:
        """Run the action. The exit code is 0, or 1 if a watched or submitted job did not succeed."""
        commands = {
            "list": self._list,
            "show": self._show,
            "watch": self._watch,
            "submit": self._submit,
            "cancel": self._cancel,
            "redrive": self._redrive,
            "answer": self._answer,
        }
        code: int = commands[chosen.action](chosen)
        return code

    def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        needs: str | None = None,
    ) -> RemoteAnswer:
        """Send a request; the body of a successful answer is an object with the key `needs`."""
        answer = self._api.call(method, path, body, headers)
        if answer.status == NOT_MODIFIED:
            return answer
        if answer.status >= SUCCESS:
            raise RefusedRequestError(_explain(answer))
        if needs is not None and not (isinstance(answer.body, dict) and needs in answer.body):
            raise RefusedRequestError(f"The answer has no `{needs}`. Check that the URL is that of Conduit's API.")
        return answer

    def _list(self, chosen: Namespace) -> int:
        names = ("status", "waiting", "name", "workflow", "created_after", "created_before")
        query = {name: value for name in names if (value := getattr(chosen, name)) is not None}
        rows: list[tuple[str, ...]] = [("id", "status", "created", "name", "failed step")]
        for job in self._pages(query, chosen.limit):
            if chosen.json:
                write([json.dumps(job, ensure_ascii=False)])
            else:
                rows.append(_row(job))
        if not chosen.json:
            width = terminal_width()
            write((shorten(row, width or len(row)) for row in columns(rows)) if len(rows) > 1 else ["No jobs."])
        return 0

    def _pages(self, query: dict[str, str], limit: int) -> Iterator[dict[str, Any]]:
        left, cursor = limit, None
        while left > 0:
            page = {**query, "limit": str(min(left, 100)), **({"cursor": cursor} if cursor else {})}
            body = self._ask("GET", f"/jobs?{urlencode(page)}", needs="jobs").body
            yield from body["jobs"]
            left -= len(body["jobs"])
            cursor = body["cursor"]
            if not cursor:
                return

    def _show(self, chosen: Namespace) -> int:
        self._print(self._ask("GET", _path(chosen.id), needs="steps").body, as_json=chosen.json)
        return 0

    def _print(self, job: dict[str, Any], *, as_json: bool) -> None:
        write([json.dumps(job, ensure_ascii=False)] if as_json else job_lines(job, terminal_width()))

    def _watch(self, chosen: Namespace) -> int:
        """Print each step at its end, each wait of the job, and the job's end."""
        shown: set[tuple[str, int]] = set()
        pause, tag, waited = FIRST_PAUSE, None, None
        while True:
            answer = self._look(_path(chosen.id), tag)
            if answer.status == NOT_MODIFIED:
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                job, tag, pause = answer.body, answer.headers.get("etag"), FIRST_PAUSE
                write(_news(job, shown))
                if job["status"] in FINISHED:
                    write(closing_lines(job))
                    return 0 if job["status"] == "SUCCEEDED" else 1
                if job.get("waiting") and job["waiting"] != waited:
                    write([summary_of(job)])
                waited = job.get("waiting")
            self._sleep(pause)

    def _look(self, path: str, tag: str | None) -> RemoteAnswer:
        """Request the job if it has changed. If the API answered before but is down, wait for it up to `PATIENCE`."""
        began = self._clock()
        while True:
            try:
                return self._ask("GET", path, headers={"If-None-Match": tag} if tag else None, needs="steps")
            except UnreachableApiError:
                if tag is None or self._clock() - began > PATIENCE:
                    raise
                self._sleep(FIRST_PAUSE)

    def _submit(self, chosen: Namespace) -> int:
        headers = {"Prefer": "respond-async"} if chosen.respond_async else {}
        code = 0
        for source in read_jobs(chosen.files):
            text = source.text.encode("utf-8", "surrogateescape")  # bytes that are not UTF-8 are for the API to refuse
            job = self._ask("POST", "/jobs", text, {**headers, "Content-Type": "application/json"}, needs="steps").body
            self._print(job, as_json=chosen.json)
            if job["status"] in FINISHED and job["status"] != "SUCCEEDED":
                code = 1
        return code

    def _cancel(self, chosen: Namespace) -> int:
        self._ask("POST", _path(chosen.id) + "/cancel")
        write([f"{chosen.id}: cancel requested."])
        return 0

    def _redrive(self, chosen: Namespace) -> int:
        body = {"from_step": chosen.from_step} if chosen.from_step else {}
        job = self._ask("POST", _path(chosen.id) + "/redrive", body, needs="run").body
        write([f"{chosen.id}: run {job['run']} has been queued."])
        return 0

    def _answer(self, chosen: Namespace) -> int:
        body: dict[str, Any] = {"ok": not chosen.reject}
        if chosen.value is not None:
            body["value"] = chosen.value
        if chosen.reason is not None:
            body["reason"] = chosen.reason
        self._ask("POST", f"{_path(chosen.id)}/steps/{quote(chosen.path, safe='')}/answer", body)
        write([f"{chosen.id}: {chosen.path} has been answered."])
        return 0


def _news(job: Mapping[str, Any], shown: set[tuple[str, int]]) -> Iterator[str]:
    """One line for each step that has ended since the last call; `shown` remembers steps by path and run."""
    for step in job["steps"]:
        key = (step["path"], job["run"])
        if step["status"]["name"] != "NONE" and key not in shown:
            shown.add(key)
            yield "  ".join(cell for cell in step_cells(step) if cell)


def _path(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _row(job: Mapping[str, Any]) -> tuple[str, ...]:
    waiting = job.get("waiting")
    status = f"{job['status']} (waits for {waiting['for']})" if waiting else job["status"]
    failed = job.get("failed_step")
    where = "" if not failed else f"{failed.get('path') or failed['id']}: {failed['status']['name']}"
    return (job["id"], status, job["created_at"], shorten(job["name"] or "", 30), where)


def _explain(answer: RemoteAnswer) -> str:
    problem = answer.body if isinstance(answer.body, dict) else {}
    lines = [str(problem.get("detail") or problem.get("title") or f"The API answered {answer.status}.")]
    lines += [f"  {error['pointer'] or '(the job)'}: {error['message']}" for error in problem.get("errors", ())]
    return "\n".join(lines)
