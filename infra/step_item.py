"""The item of a finished step. Each step writes one, so it is encoded in one go, not value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Final

from infra.attributes import ITEM_LIMIT, Attribute, encode_and_weigh, number
from infra.items import Item, Value
from infra.job_items import partition, step_key
from infra.records import StepRecord

_REST: Final = 512
"""Bytes of an item that are no text of its record, at the most: names, counts, times, the status."""

_LATEST: Final = 1e15
"""Seconds since the epoch, to which no clock of ours has come."""


@lru_cache(maxsize=256)
def _count(value: int) -> Attribute:
    """A number that many steps have. Nobody changes what it is encoded as."""
    return {"N": number(value)}


def step_items(records: Sequence[StepRecord]) -> list[StepItem]:
    """The items of steps of one job."""
    if not records:
        return []
    pk = {"S": partition(records[0].key)}
    return [StepItem(record, pk) for record in records]


class StepItem(Mapping[str, Value]):
    """A STEP item: a mapping to whoever looks into it, which is made then.

    Args:
        record: of the step.
        pk: its partition key, encoded.
    """

    def __init__(self, record: StepRecord, pk: Attribute) -> None:
        self._record = record
        self._pk = pk

    @cached_property
    def plain(self) -> Item:
        """Its attributes; ``None`` stands for an absent one."""
        record = self._record
        return {
            "pk": partition(record.key),
            "sk": step_key(record.index, record.lease),
            "id": record.step_id,
            "position": record.index + 1,
            "action": record.action,
            "status": record.status,
            "status_value": record.status_value,
            "attempts": record.attempts,
            "expires_at": record.expires_at,
            "result": record.result,
            "error": record.error,
            "variables": record.variables,
            "started_at": record.started_at,
            "finished_at": record.finished_at,
            "duration_ms": record.duration_ms,
        }

    def __getitem__(self, name: str) -> Value:
        return self.plain[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain)

    def __len__(self) -> int:
        return len(self.plain)

    def encode_and_weigh(self) -> tuple[dict[str, Attribute], int]:
        """As `infra.attributes.encode_and_weigh`, but for the weight, which is what the item weighs at the most."""
        # One unpacking in place of fifteen look-ups by name.
        (
            _,
            index,
            lease,
            step_id,
            action,
            status,
            value,
            result,
            error,
            attempts,
            began,
            ended,
            took,
            variables,
            expires,
        ) = self._record
        if result is None or error is not None or began is None or ended is None or took is None:
            return encode_and_weigh(self.plain)  # no step that ended well
        if not 1 <= began <= ended < _LATEST:
            return encode_and_weigh(self.plain)  # its times may be no numbers, or none that DynamoDB takes
        pk, sk = self._pk, step_key(index, lease)
        encoded = {
            "pk": pk,
            "sk": {"S": sk},
            "id": {"S": step_id},
            "position": {"N": str(index + 1)},
            "action": {"S": action},
            "status": {"S": status},
            "status_value": _count(value),
            "attempts": _count(attempts),
            "expires_at": _count(expires),
            "result": {"S": result},
            "started_at": {"N": repr(began)},
            "finished_at": {"N": repr(ended)},
            "duration_ms": {"N": number(took)},
        }
        texts = pk["S"] + sk + step_id + action + result
        if variables is not None:
            encoded["variables"] = {"S": variables}
            texts += variables
        size = _REST + len(texts)
        if texts.isascii() and size <= ITEM_LIMIT:
            return encoded, size
        return encode_and_weigh(self.plain)  # weighed closely, and refused as anything else
