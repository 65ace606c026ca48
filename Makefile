# One entry for everything a person does with Compline; `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MEMBERS := shared edge hub

.PHONY: help setup demo test prove check coverage bench eval sim lock clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(READY) ## bring uv, the locked environment and (as root) system packages

$(READY): requirements.lock shared/pyproject.toml edge/pyproject.toml hub/pyproject.toml packaging/setup.sh
	@PYTHON="$(PYTHON)" bash packaging/setup.sh $(VENV)
	@touch $@

demo: $(READY) ## a sample day, from calls and chats to the hub's page (ONCE=1: print the table and exit)
	@$(BIN)/python packaging/demo/demo.py $(if $(ONCE),--once,)

test: $(READY) ## every test
	@bash packaging/setup.sh --system-only
	$(BIN)/python -m pytest

prove: $(READY) ## what is too long for `make test`: 500 kills, crash states, failing disks, a million foreign frames, longer fuzzing
	$(BIN)/python -m pytest -m prove

check: $(READY) ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(READY) ## lines and branches that tests reach, each part beside its floor
	$(BIN)/python -m pytest --cov --cov-branch --cov-report= \
		tests/unit tests/property tests/contract tests/integration
	@mkdir -p .run
	@$(BIN)/coverage json -q -o .run/coverage.json
	@$(BIN)/python packaging/coverage_floor.py .run/coverage.json

bench: $(READY) ## speed and size, each beside a reference, as JSON Lines (also bench/latest.jsonl)
	@$(BIN)/python -m bench

eval: $(READY) ## recognition figures, as JSON Lines (also models/eval/latest.jsonl)
	@$(BIN)/python models/eval

sim: $(READY) ## weeks of delivery under virtual time, each from a seed (SEEDS=20, or SEED=7 alone; HANDSETS, DAYS, A_DAY)
	@$(BIN)/python -m sim $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) \
		$(if $(HANDSETS),--handsets $(HANDSETS)) $(if $(DAYS),--days $(DAYS)) $(if $(A_DAY),--a-day $(A_DAY))

lock: ## resolve requirements.lock anew (hashes, no index host)
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
		--no-emit-package compline-edge --no-emit-package compline-hub --no-emit-package compline-shared \
		--custom-compile-command "make lock" \
		--group dev edge/pyproject.toml hub/pyproject.toml shared/pyproject.toml -o requirements.lock

clean: ## remove the environment, caches and what the demo wrote
	rm -rf $(VENV) .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
