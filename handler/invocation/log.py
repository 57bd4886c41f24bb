"""The log: one JSON object per line, so that no user input can forge a line.

One handler of the standard library's root logger writes every line of the process, those of blocks included. Each line
has the request's id, and the job, run and step during which it was written. Levels are filtered here and not by Lambda,
whose filter would drop the metrics, because their lines have no level.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

from infra.jobs.records import JobKey

SERVICE: Final = "conduit"
"""The service name if ``POWERTOOLS_SERVICE_NAME`` is not set; metrics use it too."""
LONGEST_MESSAGE: Final = 16_384
"""Characters. CloudWatch accepts 256 KB per line, and a block may log its arguments."""
QUIET: Final = ("asyncio", "boto3", "botocore", "urllib3")
"""Loggers of libraries that log requests with their bodies, payloads included. They may log warnings only."""
IN_LAMBDA: Final = "AWS_LAMBDA_RUNTIME_API"
_TRACE: Final = "_X_AMZN_TRACE_ID"
_CALLER: Final = 3
"""Stack frames to skip, so that a line names the place of our caller and not this file."""
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "fields"}
"""Attributes of every record; all others come from the caller's `extra`."""

_job: ContextVar[Mapping[str, Any] | None] = ContextVar("job", default=None)
_path: ContextVar[Callable[[], str | None] | None] = ContextVar("path", default=None)


def log_fields(key: JobKey) -> dict[str, str]:
    """The fields of a log line that name a job."""
    return {"tenant": key.tenant, "job_id": key.job_id}


class job_logged:  # noqa: N801  # read as what it does: ``with job_logged(key, run):``
    """A context manager: each line inside it names the job and its run."""

    __slots__ = ("_before", "_fields")

    def __init__(self, key: JobKey, run: int) -> None:
        self._fields = {"tenant": key.tenant, "job_id": key.job_id, "run": run}

    def __enter__(self) -> None:
        self._before = _job.set(self._fields)

    def __exit__(self, *_: object) -> None:
        _job.reset(self._before)
        _path.set(None)


def log_step(path: Callable[[], str | None]) -> None:
    """Name the step that runs in all lines from now on.

    Args:
        path: called for each line; returns the path of the step, or ``None`` if no step runs.
    """
    _path.set(path)


def _path_now() -> str | None:
    path = _path.get()
    return None if path is None else path()


class LambdaLog:
    """Implements `handler.ports.Log` and installs the root logger's handler."""

    def __init__(self) -> None:
        self._logger = logging.getLogger(SERVICE)
        self._handler = _LineHandler()

    def begin(self, context: Any, level: str = "INFO") -> None:
        """Write this invocation's request id in all lines from now on, and drop lines below `level`."""
        self._handler.setFormatter(
            _LineFormatter(
                service=os.environ.get("POWERTOOLS_SERVICE_NAME") or SERVICE,
                request_id=getattr(context, "aws_request_id", None),
            )
        )
        root = logging.getLogger()
        root.setLevel(level)
        if self._handler not in root.handlers:
            if IN_LAMBDA in os.environ:  # the runtime's handler would write each line again
                root.handlers.clear()
            root.addHandler(self._handler)
            for name in QUIET:
                logging.getLogger(name).setLevel(logging.WARNING)

    def info(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._log(logging.INFO, msg, extra)

    def warning(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._log(logging.WARNING, msg, extra)

    def error(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._log(logging.ERROR, msg, extra)

    def exception(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._log(logging.ERROR, msg, extra, exc_info=True)

    def _log(self, level: int, msg: str, extra: Mapping[str, Any], *, exc_info: bool = False) -> None:
        # A field may have the name of a record's attribute, so all fields are in one attribute of their own.
        self._logger.log(level, "%s", msg, extra={"fields": extra}, exc_info=exc_info, stacklevel=_CALLER)


class _LineHandler(logging.Handler):
    """Writes to the current standard output, which Lambda's log agent or a developer reads."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  # a block logged what cannot be formatted; its step must not fail
            line = json.dumps({"level": record.levelname, "message": "A line that cannot be formatted was logged."})
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except (OSError, ValueError):  # the output is closed, so this cannot be logged
            pass


class _LineFormatter(logging.Formatter):
    def __init__(self, *, service: str, request_id: str | None) -> None:
        super().__init__()
        self._always = {"service": service, "request_id": request_id}

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            "message": record.getMessage()[:LONGEST_MESSAGE],
            "timestamp": _rfc3339(record.created),
            **self._always,
            **(_job.get() or {}),
            "path": _path_now(),
        }
        fields |= {name: value for name, value in vars(record).items() if name not in _OWN and name not in fields}
        fields |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception_name"] = record.exc_info[0].__name__
            fields["exception"] = self.formatException(record.exc_info)[-LONGEST_MESSAGE:]
        fields["xray_trace_id"] = os.environ.get(_TRACE, "").partition(";")[0].removeprefix("Root=")
        kept = {name: value for name, value in fields.items() if value is not None and value != ""}
        return json.dumps(kept, default=str, separators=(",", ":"))


def _rfc3339(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
