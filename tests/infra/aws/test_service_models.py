"""The loader of service descriptions: faster than botocore's own, with the same results."""

from __future__ import annotations

import json
from functools import cache
from itertools import product

import pytest
from botocore.config import Config
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.session import Session

from infra.aws.service_models import OneServiceLoader, PlainFiles

CALLED = ("dynamodb", "events", "sqs")
REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "xx-new-1")


def both() -> tuple[Loader, Loader]:
    """New loaders, ours and botocore's: making a client changes the loader's cache."""
    return OneServiceLoader(file_loader=PlainFiles()), Loader()


@pytest.mark.parametrize(
    ("service", "kind"), [*product(CALLED, ("service-2", "endpoint-rule-set-1", "paginators-1")), ("sts", "service-2")]
)
def test_a_description_is_botocores_to_the_letter(service: str, kind: str) -> None:
    ours, theirs = (found.load_service_model(service, kind) for found in both())
    assert json.dumps(ours) == json.dumps(theirs)


@pytest.mark.parametrize("name", ["endpoints", "partitions", "sdk-default-configuration", "_retry"])
def test_the_shared_service_data_is_identical_to_that_of_botocore(name: str) -> None:
    ours, theirs = (found.load_data(name) for found in both())
    assert json.dumps(ours) == json.dumps(theirs)


def test_an_unknown_service_is_refused_with_the_list_of_known_ones() -> None:
    said = []
    for found in both():
        with pytest.raises(UnknownServiceError) as error:
            found.load_service_model("dynamite", "service-2")
        said.append(str(error.value))
    assert said[0] == said[1]


def test_the_list_of_services_is_botocores() -> None:
    found, theirs = (loader.list_available_services("service-2") for loader in both())
    assert list(found) == theirs
    assert len(found) == len(theirs)
    assert "dynamodb" in found
    assert "dynamite" not in found


@cache
def sessions(service: str) -> tuple[Session, Session]:  # noqa: ARG001  # the key of the cache
    """Sessions with our loader and botocore's, shared by all clients of a service: reading its description is slow."""
    made = (Session(), Session())
    for session, loader in zip(made, both(), strict=True):
        session.register_component("data_loader", loader)
        session.set_credentials("testing", "testing")
    return made


@pytest.mark.parametrize("options", [{}, {"use_fips_endpoint": True}, {"use_dualstack_endpoint": True}], ids=str)
@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("service", CALLED)
def test_a_client_calls_the_same_address_in_each_partition(
    service: str, region: str, options: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    ours, theirs = (
        session.create_client(service, region_name=region, config=Config(**options)).meta
        for session in sessions(service)
    )
    assert (ours.endpoint_url, ours.partition, ours.region_name) == (
        theirs.endpoint_url,
        theirs.partition,
        theirs.region_name,
    )
