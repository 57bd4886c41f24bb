"""Handles a record that is too large for the table: its step fails, and the records of later steps are dropped.

The engine's limits keep records below DynamoDB's limit. If they do not, because a deployment has raised them or
DynamoDB counts differently, the job fails; this is not a failure of AWS.
"""

from __future__ import annotations

import json
from typing import Final

from handler.engine import ConduitStatus
from infra.errors import TooLargeError
from infra.jobs.records import StepRecord
from infra.jobs.steps_item import record_text

_STATUS: Final = ConduitStatus.RESULT_LIMIT_EXCEED
_ERROR: Final = json.dumps({"type": _STATUS.name, "message": "the record of this step is too large for the table"})


def refuse_largest(records: list[StepRecord], cursor: int, error: TooLargeError) -> None:
    """Fail the step with the largest uncommitted record, and drop the records after it.

    Args:
        records: all records of the job; those from `cursor` on are not committed.
        cursor: how many records are committed.
        error: the table's error; DynamoDB does not name the item.

    Raises:
        TooLargeError: no record caused the error.
    """
    at = max(range(cursor, len(records)), key=lambda index: len(record_text(records[index]).encode()), default=None)
    if at is None or records[at].error == _ERROR:
        raise error
    records[at:] = [
        records[at]._replace(
            status=_STATUS.name,
            status_value=_STATUS.value,
            result=None,
            variables=None,
            opened=None,
            error=_ERROR,
            phase="step" if records[at].phase == "open" else records[at].phase,
        )
    ]
