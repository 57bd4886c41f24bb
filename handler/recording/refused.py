"""A record that the table cannot keep: its step has failed, and what came after it has not happened.

The limits of the engine keep every record below what DynamoDB takes. Where they do not, because a deployment has raised
them or DynamoDB counts otherwise, that is the job's affair and no failure of AWS.
"""

from __future__ import annotations

import json
from typing import Final

from handler.engine import ConduitStatus
from infra.errors import TooLargeError
from infra.records import StepRecord
from infra.steps_item import record_text

_STATUS: Final = ConduitStatus.RESULT_LIMIT_EXCEED
_ERROR: Final = json.dumps(
    {"type": _STATUS.name, "message": "what is recorded of this step is more than the table can keep"}
)


def refuse_largest(records: list[StepRecord], cursor: int, error: TooLargeError) -> None:
    """Fail the step that has the largest of the records from `cursor` on, and forget those after it.

    Args:
        records: all records of the job; those from `cursor` on are not committed.
        cursor: how many are.
        error: what the table said; DynamoDB does not say of which item.

    Raises:
        TooLargeError: the same, where no record is to blame.
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
