# `make run` and `make test` are all the set-up: each creates what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# A test run starts dozens of processes and rewrites thousands of assertions: compiled code is kept, whatever the shell
# says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test coverage check lock bench build build-ApiFunction build-WorkerFunction artifact-test e2e cost test-page timeouts validate-template pages blocks-page sweep-figures fields-page events-page settings-page metrics-page architecture-map properties simulate mutants crash-language forgery hostile contract-ministack chaos fuzz fuzz-expressions clean

help: ## show this list
	@grep -hE '^[a-z][a-zA-Z-]*:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

# The stamp remembers which lock and which interpreter the environment was built from.
$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..." >&2; exit 1; }
	@# An environment of another version than PYTHON is made again; otherwise the variable would be ignored.
	@test "$$($(BIN)/python -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null)" = \
		"$$($(PYTHON) -c 'import sys; print(*sys.version_info[:2])')" || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

run: $(READY) ## run two example jobs through the handler on an embedded AWS
	@$(BIN)/python -m handler.cli demo

# Three processes keep two cores busy while some tests wait for programs that they started.
test: $(READY) ## run every test that needs no network
	@$(BIN)/python -m pytest -n 3 --dist worksteal

coverage: $(READY) ## run the tests and require 97 % of lines and 94 % of branches
	@$(BIN)/python -m pytest -n 3 --dist worksteal --cov --cov-report=term --cov-report=json:build/coverage.json
	@$(BIN)/python .ci/coverage_gate.py build/coverage.json

check: $(READY) ## check with ruff, mypy --strict, the import contracts and the template's lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml

lock: $(READY) ## pin the packages of requirements*.in with hashes, for Python 3.11 to 3.14; other pins stay (UPGRADE=1: update all)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(if $(UPGRADE),--upgrade) requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(if $(UPGRADE),--upgrade) requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(if $(UPGRADE),--upgrade) requirements-bench.in -o requirements-bench.txt
	@for name in artifact checkov e2e sam; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(if $(UPGRADE),--upgrade) requirements-$$name.in -o requirements-$$name.txt; done

BENCH := .venv-bench
$(BENCH)/.ready: requirements-bench.txt
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@echo "Installing the peers into $(BENCH) ..."
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

bench: $(BENCH)/.ready ## measure against other runners and write docs/performance.md (QUICK=1, SEED=1, SIZES=10,100,1000,10000)
	@$(BENCH)/bin/python -m benchmarks --page docs/performance.md $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED)) $(if $(SIZES),--sizes $(SIZES))

# The deployment package and its tests: docs/deploy.md.
LAMBDA_PYTHON := 3.13
export SAM_CLI_TELEMETRY := 0
BUILD = $(BIN)/python .ci/build.py
BUILD_OPTIONS = $(if $(WITHOUT_BOTO3),--without-boto3) $(if $(SERVICES),--services $(SERVICES)) $(if $(BLOCKS),--blocks $(BLOCKS))

# Tools whose pins conflict with ours have environments of their own: .venv-sam, .venv-checkov, .venv-e2e.
.venv-%/.ready: requirements-%.txt | $(READY)
	@test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	@echo "Installing into .venv-$* ..."
	@$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --no-deps --require-hashes -r $<
	@touch $@

# The runtime client runs the build under Lambda's version of Python if it is installed, else under ours.
.venv-artifact/.ready: requirements-artifact.txt .ci/interpreter.py | $(READY)
	@echo "Installing into .venv-artifact ..."
	@$(BIN)/uv venv --quiet --clear --python "$$($(BIN)/python .ci/interpreter.py $(LAMBDA_PYTHON) || echo $(BIN)/python)" .venv-artifact
	@$(BIN)/uv pip install --quiet --python .venv-artifact/bin/python --no-deps --require-hashes -r $<
	@touch $@

build: $(READY) ## build the deployment package build/conduit.zip (WITHOUT_BOTO3=1, SERVICES="dynamodb events kms scheduler sqs sts s3")
	@$(BUILD) build/lambda --zip build/conduit.zip $(BUILD_OPTIONS)

# `sam build` calls these. HOST_PYTHON=3.11 builds for this machine instead of Lambda, for an emulator.
build-ApiFunction build-WorkerFunction: $(READY)
	@$(BUILD) "$(ARTIFACTS_DIR)" $(if $(UNCOMPILED),,--compiled) $(if $(HOST_PYTHON),--host --python $(HOST_PYTHON)) $(BUILD_OPTIONS)

artifact-test: .venv-artifact/.ready .venv-e2e/.ready .venv-sam/.ready ## run the built artifact under Lambda's runtime client and its emulator
	@$(BUILD) build/host --host --python "$$(.venv-artifact/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" $(BUILD_OPTIONS)
	@CONDUIT_ARTIFACT=build/host $(BIN)/python -m pytest tests/artifact -p no:cacheprovider

e2e: .venv-sam/.ready .venv-e2e/.ready ## deploy the template to a local emulator and drive it from outside
	@CONDUIT_E2E=1 $(BIN)/python -m pytest tests/e2e -p no:cacheprovider

timeouts: $(READY) ## measure how late overrunning blocks return, fire 30,000 aimed alarms, write docs/timeouts.md (QUICK=1)
	@AIMED_ALARMS=$(if $(QUICK),3000,30000) $(BIN)/python -m pytest tests/engine/alarm/test_aimed.py -p no:cacheprovider
	@$(BIN)/python -m benchmarks.timeouts $(if $(QUICK),--quick,--page docs/timeouts.md)

cost: $(READY) ## compute what a million jobs cost and write it to docs/deploy.md
	@$(BIN)/python -m benchmarks.cost --page docs/deploy.md

sweep-figures: $(READY) ## measure how fast the sweep clears 60,000 due jobs and write it to docs/performance.md
	@$(BIN)/python -m benchmarks.sweeping --page docs/performance.md

validate-template: .venv-sam/.ready .venv-checkov/.ready ## check the template with SAM and checkov
	@AWS_DEFAULT_REGION=eu-central-1 .venv-sam/bin/sam validate
	@.venv-sam/bin/sam validate --lint
	@.venv-checkov/bin/checkov -f template.yaml --config-file .ci/checkov.yaml

blocks-page: $(READY) ## write docs/blocks.md from the docstrings of the blocks
	@$(BIN)/python -m docs.blocks_page

fields-page: $(READY) ## write docs/job-fields.md from handler/payload/fields.py
	@$(BIN)/python -m docs.fields_page

events-page: $(READY) ## write docs/events.md from the code that makes the events
	@$(BIN)/python -m docs.events_page

settings-page: $(READY) ## write docs/settings.md from template.yaml and handler/settings.py
	@$(BIN)/python -m docs.settings_page

metrics-page: $(READY) ## write docs/metrics.md from the table of metrics and the calls that emit them
	@$(BIN)/python -m docs.metrics_page

pages: blocks-page fields-page events-page settings-page metrics-page architecture-map ## write all pages of docs that are generated from code

architecture-map: $(READY) ## write the map of docs/architecture.md from the import graph
	@$(BIN)/python -m docs.architecture_map

properties: $(READY) ## try each property, and each test that runs a share of its cases in `make test`, with all of them
	@ALL_EXAMPLES=1 $(BIN)/python -m pytest -n 2 -m "hypothesis or share" -p no:cacheprovider

SEEDS ?= 2000
simulate: $(READY) ## run the real code in simulated worlds that fail (SEEDS=2000, FIRST=0, CRASHES=50; SEED=7 TRACE=1 shows one)
	@$(BIN)/python -m tests.simulation $(if $(TRACE),--trace --first $(or $(SEED),0) $(if $(WORLD),--world '$(WORLD)'),--seeds $(SEEDS) --first $(or $(FIRST),0) $(if $(CRASHES),--crashes $(CRASHES)))

mutants: $(READY) ## break the protocol rule by rule and check that the simulator detects it
	@$(BIN)/python -m tests.simulation --mutants --seeds 600

crash-language: $(READY) ## kill the process around every write of the 60 jobs of the language, with and without hand-overs; six minutes
	@EVERY_WRITE=1 $(BIN)/python -m pytest tests/handler/jobs/test_language_crashes.py -p no:cacheprovider -q

forgery: $(READY) ## try to make the HTTP client reach forbidden addresses, and count the hits
	@$(BIN)/python -m tests.forgery

hostile: $(READY) ## run every known attack and check that it stays within 2 s and 64 MB (ATTACK="a word" for some of them)
	@$(BIN)/python -m tests.hostile $(if $(ATTACK),"$(ATTACK)")

contract-ministack: .venv-e2e/.ready ## run the contract tests of moto and the simulated table against ministack
	@MINISTACK=.venv-e2e/bin/ministack $(BIN)/python -m pytest tests/infra -k ministack

chaos: $(if $(filter moto,$(EMULATOR)),$(READY),.venv-e2e/.ready) ## kill worker processes at random moments and count what was lost (KILLS=50, SEED=1, EMULATOR=ministack|moto)
	@$(BIN)/python -m tests.chaos --kills $(or $(KILLS),50) --seed $(or $(SEED),1) --emulator $(or $(EMULATOR),ministack)

CHROMIUM ?= /usr/bin/chromium
test-page: .venv-page/.ready ## test the page in headless Chromium and take the screenshots of docs/images (CHROMIUM=path)
	@test -x "$(CHROMIUM)" || { command -v apt-get > /dev/null || \
		{ echo "Chromium is needed. Install it, then: make test-page CHROMIUM=/path/to/it" >&2; exit 1; }; \
		root=$$(test "$$(id -u)" = 0 || echo sudo); $$root apt-get update --quiet && \
		$$root apt-get install --quiet --yes --no-install-recommends chromium fonts-dejavu-core; }
	@CHROMIUM="$(CHROMIUM)" CONDUIT_PAGE="$(CURDIR)/$(BIN)/python" .venv-page/bin/python -m pytest -c /dev/null --rootdir . -p no:cacheprovider -q tests/page

fuzz: .venv-fuzz/.ready ## send the API 5,000 requests made from its OpenAPI document (CASES=500 for fewer)
	@CASES=$(or $(CASES),5000) $(BIN)/python tests/fuzz/fuzz_api.py

fuzz-expressions: $(READY) ## evaluate 100,000 generated expressions, each within 50 ms and 16 MB (EXPRESSIONS=1000 for fewer)
	@EXPRESSIONS=$(or $(EXPRESSIONS),100000) $(BIN)/python -m pytest tests/engine/language/test_fuzz.py -p no:cacheprovider

clean: ## remove everything that the targets created
	rm -rf $(VENV) .venv-* build .aws-sam
