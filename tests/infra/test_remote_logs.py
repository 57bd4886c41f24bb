"""The log of a job, from CloudWatch."""

from __future__ import annotations

import json
from typing import Any

from infra.remote.logs import read_job_log


class Logs:
    """A client of CloudWatch Logs with these events, by log group, one per page."""

    def __init__(self, groups: dict[str, list[tuple[int, str]]]) -> None:
        self.groups = groups
        self.patterns: set[str] = set()

    def get_paginator(self, operation: str) -> Any:
        assert operation == "filter_log_events"
        return self

    def paginate(self, *, logGroupName: str, filterPattern: str) -> Any:  # noqa: N803  # names of AWS
        self.patterns.add(filterPattern)
        for timestamp, message in self.groups[logGroupName]:
            yield {"events": [{"timestamp": timestamp, "message": message}]}


def test_the_lines_of_one_job_come_from_every_group_in_order_of_time() -> None:
    client = Logs(
        {
            "api": [(2000, json.dumps({"at": 2000})), (1500, "START RequestId: not JSON")],
            "worker": [(1000, json.dumps({"at": 1000})), (3000, json.dumps({"at": 3000}))],
        }
    )

    assert [line["at"] for line in read_job_log(client, ["api", "worker"], "order-42")] == [1000, 2000, 3000]
    assert client.patterns == {'{ $.job_id = "order-42" }'}
