# Everything is made inside the checkout: .venv (Python) and .tools (the Collector). Only python3 is needed; the
# Collector also needs Go, from the machine or from a registry package.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test bench accuracy fingerprints lint types format collector node-packages node-shop lock clean
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

PYTHON ?= python3
PY := .venv/bin/python
SCRIPTS := scripts/build-collector scripts/check-repo scripts/generate-dashboards scripts/generate-docs scripts/install-node-packages \
	scripts/install-python
UV := uv==0.13.9

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  Options: ARGS="..." goes to the demo, to pytest or to what is measured; PYTHON=... chooses the interpreter.'

demo: .venv/.installed ## start a small shop, let it fail, show what became of its errors
	@$(PY) scripts/install-node-packages --optional operations/errorplane/demo/node .tools/node-shop
	@.venv/bin/errorplane demo $(ARGS)

test: .venv/.installed collector node-packages ## all tests, with real Collectors; ARGS="-k redaction" for some
	$(PY) -m pytest $(ARGS)

bench: .venv/.installed collector ## errorplane beside the real Collector, the hooks, redaction beside Presidio; ARGS=--quick for less
	$(PY) -m tests.bench.run $(ARGS)
	$(PY) -m tests.bench.instrumentation $(filter --quick,$(ARGS))
	$(PY) -m tests.bench.redaction

accuracy: .venv/.installed collector ## recall, precision, leaks and wrong hits beside Presidio and the Collector; writes docs/accuracy.md
	$(PY) -m tests.accuracy.run $(ARGS)

fingerprints: .venv/.installed ## how well fingerprints group injected faults of real runtimes; fails below the goal
	$(PY) -m tests.fingerprints.measure

lint: .venv/.installed ## style, formatting and the rules of this repository
	$(PY) -m ruff check . $(SCRIPTS)
	$(PY) -m ruff format --check . $(SCRIPTS)
	$(PY) scripts/check-repo

format: .venv/.installed ## format the code and mend what can be mended
	$(PY) -m ruff check --fix . $(SCRIPTS)
	$(PY) -m ruff format . $(SCRIPTS)

types: .venv/.installed ## strict type check
	$(PY) -m mypy
	$(PY) -m mypy --scripts-are-modules $(SCRIPTS)

collector: ## build the Collector and telemetrygen into .tools (minutes the first time, then at once)
	@$(PYTHON) scripts/build-collector

node-packages: ## install the stock JavaScript exporters of the tests (Node.js from the machine or a package)
	@$(PYTHON) scripts/install-node-packages tests/e2e/js .tools/node/stock-exporters

node-shop: ## install the packages of the demo's Node.js service (Node.js from the machine or a package)
	@$(PYTHON) scripts/install-node-packages operations/errorplane/demo/node .tools/node-shop

lock: ## write requirements.lock anew from pyproject.toml
	$(PYTHON) -m venv .tools/lock
	.tools/lock/bin/python -m pip install --quiet --disable-pip-version-check '$(UV)'
	.tools/lock/bin/uv pip compile pyproject.toml --quiet --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements.lock $(ARGS)

clean: ## remove what make made (not out/ and data/, which are yours)
	rm -rf .venv .tools dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.lock pyproject.toml scripts/bootstrap
	@PYTHON="$(if $(filter-out file default undefined,$(origin PYTHON)),$(PYTHON))" scripts/bootstrap
