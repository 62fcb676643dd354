# Everything a developer or a user of a checkout runs. `make` alone says what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup run check format test bench benchagent benchdiff soak compare fuzz audit sbom pickles wheel manifests lock image clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: $(READY) ## an environment of the project's own, in .venv

$(READY): pyproject.toml
	@PYTHON="$(PYTHON)" ./rig/setup.sh "$(VENV)"
	@touch $@

run: $(READY) ## start the demonstration and scan it
	@$(BIN)/python -m rig.demo.run

check: $(READY) ## format, lint, types, import contracts, rules, README, deploy/
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/aibom rules lint
	$(BIN)/aibom rules test
	$(BIN)/python -m tests.readme
	$(BIN)/python -m rig.deploy check

format: $(READY) ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(READY) ## the whole test suite, containers included where root allows
	$(BIN)/python -m pytest

bench: $(READY) ## what a sweep costs, beside lsof
	@$(BIN)/python -m rig.bench
	@$(BIN)/python -m rig.benchnode

benchagent: $(READY) ## what an agent costs on a full node, and how soon it tells
	@$(BIN)/python -m rig.benchnode

soak: $(READY) ## an agent beside an hour of churn; MINUTES=5 for a shorter one, PODS=0 for a storm
	@$(BIN)/python -m rig.soak --minutes $(or $(MINUTES),60) --pods $(or $(PODS),12)

benchdiff: $(READY) ## what a comparison costs, and how that grows
	@$(BIN)/python -m rig.benchdiff

fuzz: $(READY) ## broken bytes for aibom inspect and for every parser, 20 minutes
	@$(BIN)/python -m rig.mutate
	@$(BIN)/python -m rig.fuzz
	@$(BIN)/python -m pip -q install -e '.[fuzz]' || echo "atheris cannot be installed here"
	@$(BIN)/python -m rig.fuzz --guided --seconds 5

audit: $(READY) ## known vulnerabilities of what deploy/requirements.lock names
	@$(BIN)/python -m rig.supply.audit

sbom: wheel ## aibom's wheel in dist/ and its own SBOM beside it
	@$(BIN)/python -m rig.supply.sbom dist/aibom-*.whl

pickles: $(READY) ## pickle scanners compared, see docs/pickles.md
	@$(BIN)/python -m rig.pickles

compare: $(READY) ## aibom beside other makers of AI-BOMs, on one sample
	@$(BIN)/python -m rig.compare

wheel: $(READY) ## aibom's wheel in dist/, the same bytes for the same sources
	@$(BIN)/python -m rig.deploy.wheel

manifests: $(READY) ## deploy/kubernetes and what the chart copies, from their sources
	@$(BIN)/python -m rig.deploy write

lock: $(READY) ## deploy/requirements.lock anew, from pyproject.toml
	@$(BIN)/python -m rig.deploy.lock

image: $(READY) ## an OCI image of this checkout in dist/, without a registry or docker
	@$(BIN)/python -m rig.deploy.image

clean: ## remove what make made
	rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache aibom-out
	find . -name __pycache__ -prune -exec rm -rf {} +
