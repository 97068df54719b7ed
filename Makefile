# make demo: the exporter against a simulated cloud. make test: everything CI checks. Both prepare what they need.
.PHONY: demo test lint types tools deploy bench clean
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin

demo: .venv/run
	$(BIN)/frs-exporter demo $(ARGS)

# Beside the rest: weeks of virtual time, which counting lines would double, and what waits for alerts.
BESIDE := tests/resilience tests/deploy
test: lint types tools
	$(BIN)/coverage erase
	@$(BIN)/python -m pytest $(BESIDE) > .beside.log 2>&1 & beside=$$!; \
	$(BIN)/coverage run -m pytest $(BESIDE:%=--ignore=%) $(ARGS); failed=$$?; \
	wait $$beside || failed=1; cat .beside.log; exit $$failed
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

# Real programs for the tests; without them (no root, no apt) the tests that need them are skipped, but never in CI.
tools:
	@tests/install-tools

# What is rendered from code or copied in deploy/: after a change of rules or dashboards.
deploy: .venv/dev
	$(BIN)/python -m deploy.grafana.build
	$(BIN)/python deploy/kubernetes/build.py

bench: .venv/dev
	$(BIN)/python -m tests.benchmarks.page
	$(BIN)/python -m tests.benchmarks.reload
	$(BIN)/python -m tests.benchmarks.web

.venv/bin/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; tests/install-tools python3-venv && $(PYTHON) -m venv .venv; }

.venv/run: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/run

clean:
	rm -rf .venv .tools .beside.log .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis screenshots
