"""The log lines of one job in CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any


def read_job_log(client: Any, groups: Sequence[str], job_id: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines about a job from these log groups, oldest first.

    Args:
        client: botocore's client of CloudWatch Logs.
        groups: names of log groups, those of the stack's functions.
        job_id: which job. Ids hold no character that a filter pattern gives a meaning to.
    """
    lines: list[tuple[int, dict[str, Any]]] = []
    for group in groups:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern=f'{{ $.job_id = "{job_id}" }}'
        )
        for page in pages:
            for event in page["events"]:
                try:
                    line = json.loads(event["message"])
                except ValueError:
                    continue
                lines.append((event["timestamp"], line))
    yield from (line for _, line in sorted(lines, key=lambda pair: pair[0]))
