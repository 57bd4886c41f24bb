"""Secrets in a process: cached for five minutes, with OAuth 2 tokens fetched from a server on the loopback."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest

from infra.aws.backoff import Backoff
from infra.errors import InfraError, TryLaterError
from infra.local import EmbeddedAws, embedded
from infra.outside.errors import HttpError, HttpFailedError, HttpRefusedError
from infra.outside.hosts import Reach
from infra.outside.http_client import HttpClient
from infra.outside.pinned_connection import Opener
from infra.outside.resolver import Resolver
from infra.secrets.encryption import Encryption
from infra.secrets.kept_secret import Claim, KeptOAuth, KeptSecret
from infra.secrets.secret_store import CACHED, SecretStore, secret_of
from infra.secrets.tenant_secrets import WRITES, TenantSecrets
from infra.secrets.token_server import TokenServer
from infra.table.documents import Document, DocumentsTable
from infra.table.dynamo_items import DynamoItems
from tests.http.servers import Request, Server, answer, json_answer

CLIENT_SECRET = "cl1ent-s3cret"


@dataclass
class Provider:
    """A token server that replaces refresh tokens, and accepts each once."""

    life: float = 3600.0
    rotates: bool = True
    needs_basic: bool = False
    current: str = "refresh-0"
    given: int = 0
    refused: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    delay: float = 0.0
    lock: Any = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> bytes:
        form = {name: value[0] for name, value in parse_qs(request.body.decode()).items()}
        self.asked.append(form)
        basic = "Basic " + b64encode(f"me:{CLIENT_SECRET}".encode()).decode()
        in_form = (form.get("client_id"), form.get("client_secret")) == ("me", CLIENT_SECRET)
        if request.headers.get("authorization") != basic if self.needs_basic else not in_form:
            return json_answer('{"error": "invalid_client"}', 401)
        with self.lock:
            if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.current:
                self.refused += 1
                return json_answer('{"error": "invalid_grant", "why": "answer-of-the-server"}', 400)
            self.given += 1
            number = self.given
            tokens: dict[str, Any] = {"access_token": f"access-{number}", "token_type": "Bearer"}
            tokens["expires_in"] = self.life
            if form["grant_type"] == "refresh_token" and self.rotates:
                self.current = tokens["refresh_token"] = f"refresh-{number}"
        time.sleep(self.delay)
        return json_answer(json.dumps(tokens))


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with embedded() as started:
        yield started


@dataclass
class Bench:
    """Processes with a shared test clock, and a caller that puts secrets."""

    aws: EmbeddedAws
    offset: float = 0.0
    made: int = 0

    def now(self) -> float:
        return time.time() + self.offset

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))

    def documents(self) -> DocumentsTable:
        backoff = Backoff(sleep=asyncio.sleep, random=lambda: 0.0)
        return DocumentsTable(DynamoItems(self.aws.clients.dynamodb, self.aws.table, backoff))

    def process(self, server: Server, stack: str = "stack") -> SecretStore:
        reach = Reach(plain=True, ports=(server.port,), private_hosts=("localhost",), loopback=True)
        client = HttpClient(reach, 10_000, Opener(Resolver(), self.now, None), self.now)
        self.made += 1
        number = self.made
        tokens = (f"{number}-{count}" for count in range(1000))  # tokens of different processes must differ
        return SecretStore(
            self.documents(),
            Encryption(self.aws.clients.kms, self.aws.key, stack),
            TokenServer(lambda: client),
            run=asyncio.run,
            now=self.now,
            sleep=self.sleep,
            token=lambda: next(tokens),
        )

    def put(self, name: str = "s", **fields: Any) -> None:
        """Put a secret as `handler.workflows.secrets` does."""
        kept = KeptSecret(**({"hosts": ("localhost",), "uses": ("auth",), "put": str(time.time())} | fields))
        before = asyncio.run(self.documents().read("t", "secret", name))
        stamp = f"put-{time.time()}"
        now = self.now()
        document = Document(
            tenant="t", kind="secret", name=name, body=kept.encode(), stamp=stamp, created=now, updated=now
        )
        assert asyncio.run(self.documents().write(document, before))

    def kept(self, name: str = "s") -> KeptSecret:
        found = asyncio.run(self.documents().read("t", "secret", name))
        assert found is not None
        return KeptSecret.decode(found.body)

    def put_oauth(self, store: SecretStore, server: Server, refresh: str | None = "refresh-0", **more: Any) -> None:
        oauth2 = KeptOAuth(
            token_url=server.url("/token"),
            client_id="me",
            client_secret=store.seal("t", "s", CLIENT_SECRET),
            refresh_token=store.seal("t", "s", refresh) if refresh is not None else None,
            **more,
        )
        self.put(oauth2=oauth2)


@pytest.fixture
def bench(aws: EmbeddedAws) -> Bench:
    return Bench(aws)


def value(store: SecretStore, seconds: float = 5.0) -> str:
    secret = TenantSecrets(store, "t").get("s", seconds)
    assert secret is not None
    return secret.value


def test_a_value_is_kept_for_five_minutes_and_then_read_again(bench: Bench) -> None:
    with Server() as server:
        reads, writes = bench.process(server), bench.process(server)
        bench.put(value=writes.seal("t", "s", "first-value"))
        assert value(reads) == "first-value"
        bench.put(value=writes.seal("t", "s", "second-value"))
        bench.offset = CACHED - 1
        assert value(reads) == "first-value"
        bench.offset = CACHED + 1
        assert value(reads) == "second-value"


def test_a_missing_secret_is_looked_up_each_time(bench: Bench) -> None:
    with Server() as server:
        store = bench.process(server)
        assert TenantSecrets(store, "t").get("late", 5) is None
        bench.put("late", value=store.seal("t", "late", "here-now"))
        assert TenantSecrets(store, "t").get("late", 5) is not None
        assert TenantSecrets(store, "other").get("late", 5) is None


def test_a_value_can_be_decrypted_for_its_tenant_name_and_stack_alone(bench: Bench) -> None:
    with Server() as server:
        store, other = bench.process(server), bench.process(server, "other-stack")
        for long in ("x" * 8, "ä" * 2048, "y" * 10_000):
            sealed = store.seal("t", "s", long)
            assert store.encryption.decrypt("t", "s", sealed) == long
        for encryption, tenant, name in (
            (store.encryption, "u", "s"),
            (store.encryption, "t", "r"),
            (other.encryption, "t", "s"),
        ):
            with pytest.raises(InfraError):
                encryption.decrypt(tenant, name, sealed)


@pytest.mark.parametrize("needs_basic", [False, True])
def test_client_credentials_give_a_token_until_a_minute_before_its_end(bench: Bench, needs_basic: bool) -> None:
    provider = Provider(needs_basic=needs_basic)
    with Server(provider) as server:
        store = bench.process(server)
        bench.put_oauth(store, server, None, scope="read write")
        assert value(store) == "access-1"
        assert provider.asked[-1]["scope"] == "read write"
        assert provider.asked[-1]["grant_type"] == "client_credentials"
        assert ("client_secret" in provider.asked[-1]) is not needs_basic
        bench.offset = 3600 - 65
        assert value(store) == "access-1"  # although the secret was read again meanwhile
        bench.offset = 3600 - 55
        assert value(store) == "access-2"


@pytest.mark.parametrize(("refresh", "hidden"), [("short", ()), ("long-enough", ("long-enough",))])
def test_only_keys_that_cannot_be_found_by_accident_are_masked(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, refresh: str, hidden: tuple[str, ...]
) -> None:
    monkeypatch.setattr("tests.infra.secrets.test_tenant_secrets.CLIENT_SECRET", "test")
    with Server(Provider()) as server:
        store = bench.process(server)
        bench.put_oauth(store, server, refresh, access=None)
        opened = store.open("t", "s", 5.0)
        assert opened is not None
        assert secret_of(opened, "access").hidden == hidden


def test_a_refused_token_is_replaced_and_only_that_one(bench: Bench) -> None:
    with Server(Provider()) as server:
        for refresh in (None, "refresh-0"):
            store = bench.process(server)
            bench.put_oauth(store, server, refresh)
            secrets = TenantSecrets(store, "t")
            first = secrets.get("s", 5)
            assert first is not None
            assert first.renewable
            second = secrets.renew(first, 5)
            assert second is not None
            assert second.value != first.value
            again = secrets.renew(first, 5)  # a late caller with the same old token
            assert again is not None
            assert again.value == second.value


def test_a_replaced_refresh_token_is_stored_encrypted_and_used_the_next_time(bench: Bench) -> None:
    provider = Provider()
    with Server(provider) as server:
        store = bench.process(server)
        bench.put_oauth(store, server)
        assert value(store) == "access-1"
        assert value(bench.process(server)) == "access-1"  # another process fetches nothing
        assert provider.given == 1
        kept = bench.kept().encode()
        assert "refresh-1" not in kept
        assert "access-1" not in kept
        bench.offset = 3600
        assert value(bench.process(server)) == "access-2"
        assert [form["refresh_token"] for form in provider.asked] == ["refresh-0", "refresh-1"]


def test_a_refresh_token_that_stays_is_kept(bench: Bench) -> None:
    provider = Provider(rotates=False)
    with Server(provider) as server:
        store = bench.process(server)
        bench.put_oauth(store, server)
        value(store)
        bench.offset = 3600
        assert value(store) == "access-2"
        assert provider.refused == 0


@pytest.mark.parametrize("processes", [2, 5])
def test_processes_at_once_use_each_refresh_token_once(bench: Bench, processes: int) -> None:
    provider = Provider(delay=0.05)
    with Server(provider) as server:
        stores = [bench.process(server) for _ in range(processes)]
        bench.put_oauth(stores[0], server)
        found: list[str] = []
        for hours in range(3):
            bench.offset = hours * 3600.0
            threads = [threading.Thread(target=lambda s=store: found.append(value(s))) for store in stores]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert found == [f"access-{number}" for number in (1, 2, 3) for _ in stores]
        assert (provider.given, provider.refused) == (3, 0)


def test_a_process_that_died_holds_up_the_others_no_longer_than_its_claim(bench: Bench) -> None:
    provider = Provider()
    with Server(provider) as server:
        store = bench.process(server)
        bench.put_oauth(store, server, claim=Claim(by="dead", until=bench.now() + 30))
        with pytest.raises(HttpFailedError, match="another process"):
            value(store, 0.2)
        assert provider.given == 0
        bench.offset = 31
        assert value(store) == "access-1"


def test_a_secret_that_is_put_while_its_token_is_fetched_stays_as_it_was_put(bench: Bench) -> None:
    provider = Provider()

    def respond(request: Request) -> bytes:
        if provider.given == 0:
            bench.put(value=store.seal("t", "s", "put-meanwhile"))
        return provider(request)

    with Server(respond) as server:
        store = bench.process(server)
        bench.put_oauth(store, server)
        assert TenantSecrets(store, "t").get("s", 5) is None
        assert value(store) == "put-meanwhile"
        assert bench.kept().oauth2 is None


@pytest.mark.parametrize(("failures", "stored"), [(1, True), (WRITES, False)])
def test_a_replaced_refresh_token_is_written_again_after_a_failure_of_the_table(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, failures: int, stored: bool
) -> None:
    with Server(Provider()) as server:
        store = bench.process(server)
        bench.put_oauth(store, server)
        write, calls = store.write, list[int]()

        def fail(*arguments: Any) -> bool:
            calls.append(1)
            if 1 < len(calls) <= 1 + failures:  # the first write is the claim
                raise TryLaterError("down")
            return write(*arguments)

        monkeypatch.setattr(store, "write", fail)
        if stored:
            assert value(store) == "access-1"
        else:
            with pytest.raises(TryLaterError):
                value(store)
        monkeypatch.undo()
        oauth2 = bench.kept().oauth2
        assert oauth2 is not None
        assert (oauth2.claim is None) is stored


SHOWN = "answer-of-the-server"


@pytest.mark.parametrize(
    ("respond", "error"),
    [
        (lambda _: answer(503, SHOWN.encode()), HttpFailedError),
        (lambda _: answer(429, SHOWN.encode(), retry_after="7"), HttpFailedError),
        (lambda _: [], HttpFailedError),
        (lambda _: f"{SHOWN}\r\n\r\n".encode(), HttpFailedError),
        (lambda _: json_answer('{"error": "invalid_grant", "x": "answer-of-the-server"}', 400), HttpRefusedError),
        (lambda _: json_answer('{"error": "invalid_client", "x": "answer-of-the-server"}', 401), HttpRefusedError),
        (lambda _: answer(302, SHOWN.encode(), location="/elsewhere"), HttpRefusedError),
        (lambda _: answer(200, SHOWN.encode()), HttpRefusedError),
        (lambda _: json_answer('["answer-of-the-server"]'), HttpRefusedError),
        (lambda _: json_answer('{"access_token": 5, "x": "answer-of-the-server"}'), HttpRefusedError),
        (lambda _: json_answer('{"access_token": "answer-of-the-server\\n"}'), HttpRefusedError),
        (lambda _: json_answer('{"access_token": "answer-of-the-server", "token_type": "mac"}'), HttpRefusedError),
        (lambda _: json_answer('{"access_token": "answer-of-the-server", "expires_in": -1}'), HttpRefusedError),
        (lambda _: json_answer('{"access_token": "answer-of-the-server", "expires_in": "soon"}'), HttpRefusedError),
        (lambda _: json_answer('{"access_token": "answer-of-the-server", "refresh_token": {}}'), HttpRefusedError),
        (lambda _: answer(200, SHOWN.encode() * 1000), HttpRefusedError),
    ],
)
@pytest.mark.parametrize("refresh", [None, "refresh-0"])
def test_a_token_server_that_is_down_or_answers_nonsense_fails_the_call_and_is_not_shown(
    bench: Bench, respond: Callable[[Request], bytes], error: type[HttpError], refresh: str | None
) -> None:
    with Server(respond) as server:
        store = bench.process(server)
        bench.put_oauth(store, server, refresh)
        with pytest.raises(error) as raised:
            value(store)
    shown = f"{raised.value} {raised.value.details} {raised.value.__cause__}"
    assert "secret `s`" in shown
    assert raised.value.details is None
    for hidden in (SHOWN, CLIENT_SECRET, "refresh-0"):
        assert hidden not in shown
    oauth2 = bench.kept().oauth2
    assert oauth2 is not None
    assert oauth2.claim is None  # no process waits for it


def test_a_token_server_that_may_not_be_called_is_not(bench: Bench) -> None:
    with Server() as server, Server() as other:
        store = bench.process(server)
        bench.put_oauth(store, other, None)
        with pytest.raises(HttpRefusedError, match="port"):
            value(store)
        assert other.connections == 0


def test_a_table_that_does_not_answer_is_an_error_of_infra(bench: Bench) -> None:
    with Server() as server:
        store = bench.process(server)
        with pytest.raises(InfraError):
            store.aside(lambda: time.sleep(0.3), 0.01)
