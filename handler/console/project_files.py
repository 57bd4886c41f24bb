"""The files that `conduit new` writes. ``{name}`` and ``{checkout}`` are filled in."""

from __future__ import annotations

from typing import Final

BLOCK: Final = '''\
"""GREETING: the blocks of this project. Each is a function whose keyword-only parameters a job sets."""

from __future__ import annotations

from blocks.block import Category

category = Category("GREETING", effect="none")


@category.block
def hello(*, name: str, times: int = 1) -> str:
    """Greet somebody.

    `{"name": "Ada"}` gives `"Hello Ada!"`.
    """
    if not 1 <= times <= 10:
        raise ValueError(f"`times` is from 1 to 10, not {times}")
    return " ".join([f"Hello {name}!"] * times)
'''
TEST: Final = '''\
"""GREETING.HELLO, called as a function and by a job."""

from __future__ import annotations

import asyncio

import pytest

from blocks.block import REGISTRY
from handler.engine import Conduit


def test_it_greets() -> None:
    block = REGISTRY.get("GREETING.HELLO")
    assert block is not None
    assert block.function(name="Ada", times=2) == "Hello Ada! Hello Ada!"


@pytest.mark.parametrize(("times", "status"), [(1, "DONE"), (11, "INVALID_ARGUMENT")])
def test_a_job_may_ask_for_ten_greetings(times: int, status: str) -> None:
    step = {"id": "hi", "action": "GREETING.HELLO", "parameters": {"name": "Ada", "times": times}}
    job = Conduit.from_dict({"steps": [step]})
    asyncio.run(job.run())
    assert job["hi"].status.name == status
'''
CONFTEST: Final = '''\
"""Lets the tests find this project's blocks as `conduit --blocks` and the build find them."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["CONDUIT_BLOCKS"] = str(Path(__file__).parent / "blocks")
'''
JOB: Final = """\
{
  "name": "Hello",
  "parameters": {"name": "Ada"},
  "steps": [
    {"id": "hi", "action": "GREETING.HELLO", "parameters": {"name": "{< name >}"}},
    {"id": "loud", "action": "TEXT.UPPERCASE", "parameters": {"text": "{: hi :}"}}
  ]
}
"""
TEMPLATE: Final = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Description: {name} - Conduit with blocks of its own.

Resources:
  Conduit:
    Type: AWS::Serverless::Application
    Properties:
      # The template of the checkout. Its parameters are described in its docs/deploy.md.
      Location: {checkout}/template.yaml
      Parameters:
        Authorizer: IAM

Outputs:
  ApiUrl:
    Value: !GetAtt Conduit.Outputs.ApiUrl
"""
MAKEFILE: Final = """\
# Where the checkout of Conduit is.
CONDUIT ?= {checkout}
export BLOCKS := $(CURDIR)/blocks
export CONDUIT_BLOCKS := $(BLOCKS)

.PHONY: test run build deploy

test: ## run the tests of the blocks
	@python -m pytest -q tests

run: ## run the job on this machine
	@conduit run jobs/hello.json

build: ## build the deployment package with these blocks: build/conduit.zip of the checkout
	@$(MAKE) --no-print-directory -C $(CONDUIT) build

deploy: ## build the checkout with these blocks and deploy it
	@sam build
	@sam deploy --guided --stack-name {name} --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND
"""
README: Final = """\
# {name}

Blocks of our own for [Conduit]({checkout}/README.md), and a job that calls one.

```sh
pip install '{checkout}[local]'   # once, in the environment of this project
make test     # the tests of the blocks
make run      # jobs/hello.json on this machine
make deploy   # needs the AWS SAM command line and an account
```

- `blocks/` holds the blocks: one file for each category. `CONDUIT_BLOCKS` (or `--blocks`) names this folder.
- `tests/` calls them, as functions and from jobs.
- `template.yaml` deploys Conduit with them. Tables, secrets and permissions that your blocks need go there.
"""
FILES: Final = {
    "blocks/greeting.py": BLOCK,
    "tests/test_greeting.py": TEST,
    "conftest.py": CONFTEST,
    "jobs/hello.json": JOB,
    "template.yaml": TEMPLATE,
    "Makefile": MAKEFILE,
    "README.md": README,
}
FILLED: Final = frozenset({"template.yaml", "Makefile", "README.md"})
"""The files in which the name and the checkout are filled in."""
