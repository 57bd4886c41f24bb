"""A DynamoDB client with scripted answers, and DynamoDB's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.table.dynamo_items import DynamoItems
from infra.table.items import Item

if TYPE_CHECKING:
    from infra.aws.backoff import Backoff

JOB: Item = {"pk": "t#1", "sk": "JOB", "n": 3}


class Client:
    """A client that gives scripted answers and records its requests."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> dict[str, Any]:
            self.requests.append((name, request))
            answer = self.answers.pop(0) if self.answers else {}
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def items_of(client: Client, backoff: Backoff) -> DynamoItems:
    return DynamoItems(lambda: client, "table", backoff)


def refusal(code: str, status: int = 400, message: str = "m") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutItem")


def steps(count: int) -> list[Item]:
    return [{"pk": "t#1", "sk": f"STEP#{number:05}"} for number in range(count)]


def cancelled(*codes: str, item: dict[str, Any] | None = None) -> ClientError:
    """The error of a cancelled transaction, with the code of each action, and the stored item of the last action."""
    reasons: list[dict[str, Any]] = [{"Code": code} | ({} if code == "None" else {"Message": "m"}) for code in codes]
    if item is not None:
        reasons[-1]["Item"] = item
    answer: Any = {"Error": {"Code": "TransactionCanceledException", "Message": "m"}, "CancellationReasons": reasons}
    return ClientError(answer, "TransactWriteItems")
