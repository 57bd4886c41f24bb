"""The folder that stores the embedded AWS, change by change."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from infra.local import EmbeddedAws, embedded
from infra.local.data import DataFolderError, LocalData


@contextmanager
def kept(folder: Path) -> Iterator[tuple[EmbeddedAws, Callable[..., Any]]]:
    """An embedded AWS with the folder's data; the function calls a service and stores the call in the folder."""
    with embedded() as aws:
        data = LocalData(folder)
        data.restore(aws)

        def call(service: str, operation: str, **asked: Any) -> Any:
            client = cast("Any", aws.clients.client(service))
            answer = getattr(client, operation)(**asked)
            name = "".join(word.title() for word in operation.split("_"))
            seen = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
            text = json.dumps(seen, default=str).encode()
            data.seen(
                service, name if service != "scheduler" else "POST", json.dumps(asked, default=str).encode(), text
            )
            return answer

        yield aws, call
        data.close()


def item(sk: str, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": "t#a"}, "sk": {"S": sk}, **more}


def test_items_are_there_again_and_deleted_ones_are_not(tmp_path: Path) -> None:
    with kept(tmp_path) as (aws, call):
        for sk in ("JOB", "OLD"):
            call("dynamodb", "put_item", TableName=aws.table, Item=item(sk, n={"N": "1"}))
        batch = [{"PutRequest": {"Item": item("BATCH")}}, {"DeleteRequest": {"Key": item("OLD")}}]
        call("dynamodb", "batch_write_item", RequestItems={aws.table: batch})
        update = {"TableName": aws.table, "Key": item("JOB"), "UpdateExpression": "SET n = :n"}
        call("dynamodb", "update_item", **update, ExpressionAttributeValues={":n": {"N": "2"}})
        put = {"Put": {"TableName": aws.table, "Item": item("TRANSACTION")}}
        call("dynamodb", "transact_write_items", TransactItems=[put])
    with kept(tmp_path) as (aws, _):
        found = {str(one["sk"]): one for one in aws.table_items()}
    assert set(found) == {"JOB", "BATCH", "TRANSACTION"}
    assert found["JOB"]["n"] == 2


def test_messages_keep_their_ids_and_those_that_were_acknowledged_are_gone(tmp_path: Path) -> None:
    with kept(tmp_path) as (aws, call):
        sent = [call("sqs", "send_message", QueueUrl=aws.queue_url, MessageBody=body) for body in ("a", "b")]
        received = call("sqs", "receive_message", QueueUrl=aws.queue_url, MaxNumberOfMessages=1)["Messages"][0]
        call("sqs", "delete_message", QueueUrl=aws.queue_url, ReceiptHandle=received["ReceiptHandle"])
        hidden = call("sqs", "receive_message", QueueUrl=aws.queue_url, MaxNumberOfMessages=1)["Messages"][0]
    with kept(tmp_path) as (aws, _):
        [record] = aws.receive()["Records"]
    assert record["body"] == hidden["Body"] != received["Body"]
    assert record["messageId"] in {answer["MessageId"] for answer in sent}


def test_a_delayed_message_is_still_delayed(tmp_path: Path) -> None:
    with kept(tmp_path) as (aws, call):
        call("sqs", "send_message", QueueUrl=aws.queue_url, MessageBody="later", DelaySeconds=600)
    with kept(tmp_path) as (aws, _):
        assert aws.receive()["Records"] == []


def test_leases_are_over_after_a_start(tmp_path: Path) -> None:
    with kept(tmp_path) as (aws, call):
        call("dynamodb", "put_item", TableName=aws.table, Item=item("JOB", lease_until={"N": "9999999999"}))
    with kept(tmp_path) as (aws, _):
        assert aws.table_items()[0]["lease_until"] == 1


def test_values_that_the_key_of_secrets_encrypted_can_still_be_read(tmp_path: Path) -> None:
    with kept(tmp_path) as (aws, _):
        kms = cast("Any", aws.clients.kms())
        first = aws.key
        text = kms.encrypt(KeyId=first, Plaintext=b"sesame", EncryptionContext={"a": "b"})["CiphertextBlob"]
    with kept(tmp_path) as (aws, _):
        kms = cast("Any", aws.clients.kms())
        assert aws.key == first
        assert kms.decrypt(CiphertextBlob=text, EncryptionContext={"a": "b"})["Plaintext"] == b"sesame"


def test_schedules_are_there_again(tmp_path: Path) -> None:
    with kept(tmp_path) as (aws, call):
        target = {"Arn": aws.queue_arn, "RoleArn": "arn:aws:iam::123456789012:role/r", "Input": "{}"}
        window = {"Mode": "OFF"}
        schedule = {"GroupName": aws.schedule_group, "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": window}
        call("scheduler", "create_schedule", Name="daily", Target=target, **schedule)
    with kept(tmp_path) as (aws, _):
        assert [one["Name"] for one in aws.schedules()] == ["daily"]


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match="Cannot keep data in"):
        LocalData(tmp_path / "file")
