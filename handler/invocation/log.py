"""The log: one JSON object a line, by Powertools, so that no text of a user's can forge a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infra.records import JobKey

SERVICE: Final = "conduit"
_CALLER: Final = 3
"""Frames up from Powertools: the line that a log entry names as its place is our caller's, not one of this file."""


class LambdaLog:
    """`handler.ports.Log`. Powertools' logger is made at the first line: most invocations write none of their own."""

    def __init__(self) -> None:
        self._logger: Any = None
        self._context: Any = None

    def begin(self, context: Any) -> None:
        """Let the lines from now on carry this invocation's request id."""
        self._context = context
        if self._logger is not None:
            self._set_context()

    def info(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._made().info(msg, extra=dict(extra), stacklevel=_CALLER)

    def warning(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._made().warning(msg, extra=dict(extra), stacklevel=_CALLER)

    def error(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._made().error(msg, extra=dict(extra), stacklevel=_CALLER)

    def exception(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._made().exception(msg, extra=dict(extra), stacklevel=_CALLER)

    def _made(self) -> Any:
        if self._logger is None:
            from aws_lambda_powertools import Logger  # noqa: PLC0415  # 40 ms; see the class

            self._logger = Logger(service=SERVICE)
            self._set_context()
        return self._logger

    def _set_context(self) -> None:
        self._logger.append_keys(request_id=getattr(self._context, "aws_request_id", None))


def log_fields(key: JobKey) -> dict[str, str]:
    """The names of a job as the fields of a log line."""
    return {"tenant": key.tenant, "job_id": key.job_id}
