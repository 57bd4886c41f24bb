# Two commands are all the set-up: `make run` and `make test`. Each makes what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help run test check lock bench clean

help: ## this list
	@grep -hE '^[a-z][a-zA-Z-]*:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

# The stamp remembers which lock and which interpreter the environment was built from.
$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

run: $(READY) ## run the example jobs through the handler on the embedded AWS
	@$(BIN)/python -m handler.cli demo

test: $(READY) ## every test that needs no network
	@$(BIN)/python -m pytest -n 2

check: $(READY) ## ruff, mypy --strict, import contracts, template lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml

lock: $(READY) ## pin the requirements anew, hashed, for Python 3.11 to 3.14
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade requirements-bench.in -o requirements-bench.txt

BENCH := .venv-bench
$(BENCH)/.ready: requirements-bench.txt
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@echo "Installing the peers into $(BENCH) ..."
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

bench: $(BENCH)/.ready ## measure beside the peers and write docs/performance.md (QUICK=1, SEED=1, SIZES=10,100,1000,10000)
	@$(BENCH)/bin/python -m benchmarks --page docs/performance.md $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED)) $(if $(SIZES),--sizes $(SIZES))

clean: ## remove what the targets made
	rm -rf $(VENV) .venv-* build .aws-sam
