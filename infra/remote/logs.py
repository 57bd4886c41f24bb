"""The log lines of one job in CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from infra.errors import translate


def read_job_log(make_client: Callable[[], Any], groups: Sequence[str], job_id: str) -> list[dict[str, Any]]:
    """The JSON lines about a job from these log groups, oldest first.

    Args:
        make_client: makes botocore's client of CloudWatch Logs.
        groups: the names of the log groups of the stack's functions.
        job_id: the job. Ids have no characters that are special in a filter pattern.

    Raises:
        InfraError: a log group cannot be read: it does not exist, there are no credentials, or AWS does not answer.
    """
    lines: list[tuple[int, dict[str, Any]]] = []
    for group in groups:
        try:
            lines += _lines_of(make_client(), group, job_id)
        except Exception as error:
            raise translate(error, f"Reading the log group {group}") from error
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])]


def _lines_of(client: Any, group: str, job_id: str) -> list[tuple[int, dict[str, Any]]]:
    """The JSON lines of one group, each with its time."""
    lines: list[tuple[int, dict[str, Any]]] = []
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern=f'{{ $.job_id = "{job_id}" }}'
    )
    for page in pages:
        for event in page["events"]:
            try:
                lines.append((event["timestamp"], json.loads(event["message"])))
            except ValueError:
                continue
    return lines
