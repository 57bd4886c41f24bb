"""The log of a job, from CloudWatch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError

from infra.errors import InfraError
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

    assert [line["at"] for line in read_job_log(lambda: client, ["api", "worker"], "order-42")] == [1000, 2000, 3000]
    assert client.patterns == {'{ $.job_id = "order-42" }'}


def test_a_group_that_does_not_exist_is_named() -> None:
    class Refusing(Logs):
        def paginate(self, **_: Any) -> Any:
            refusal = {"Error": {"Code": "ResourceNotFoundException", "Message": "The log group does not exist."}}
            raise ClientError(refusal, "FilterLogEvents")

    with pytest.raises(InfraError, match=r"Reading the log group api failed: .*The log group does not exist\."):
        read_job_log(lambda: Refusing({}), ["api"], "order-42")


def test_a_client_that_cannot_be_made_is_reported_as_the_failure_of_the_call() -> None:
    def make() -> Any:
        raise NoRegionError

    with pytest.raises(InfraError, match="Reading the log group api failed: You must specify a region"):
        read_job_log(make, ["api"], "order-42")
