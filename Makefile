# make demo: the exporter against a simulated cloud. make check: a quick look at a change. make test: most of what CI checks;
# .github/workflows/test.yml has all of it. All prepare what they need.
.PHONY: demo check test test-conformance test-newest test-lowest test-image test-systemd test-debian \
  lint types tools compiled lock deploy docs bench soak audit fuzz dist deb clean
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
OTHERS := vendor vendor-frs-v1 keystone audit release# software of others, each in an environment of its own
OTHER_ENVS := $(OTHERS:%=.venv/%)
LOCKED := $(OTHERS) fuzz# what has a lock and an environment of its own
export PYTHONDONTWRITEBYTECODE :=# what is compiled once is kept: tests start many processes

demo: .venv/run
	$(BIN)/python -m frs_exporter demo $(ARGS)

# Lint, types, and the tests that need no other program, without counting lines.
check: lint types
	PROGRAMS=none $(BIN)/python -m pytest -m "not programs" --numprocesses=3 --dist=worksteal $(ARGS)

# Beside the rest: weeks of virtual time, all sequences of events, attacks and counted calls, which counting lines would
# double and more, and what waits for alerts. The longest files begin first, so that none is left alone at the end.
# Of both sets more run at once than there are cores, as many wait for other programs.
LONGEST := tests/polling/test_sources.py tests/deploy/test_docker.py tests/deploy/test_newest.py tests/test_linear.py \
  tests/benchmarks tests/soak tests/cloud/test_lockout.py tests/deploy/test_queries.py tests/deploy/test_alerts.py
BESIDE := $(LONGEST) tests/resilience tests/attacks tests/fuzz \
  $(filter-out %/test_clusters.py $(LONGEST),$(wildcard tests/deploy/test_*.py)) \
  tests/collectors/test_month.py tests/polling/test_accounts.py tests/polling/test_reload_and_locks.py \
  tests/cloud/test_hold.py tests/web/test_slow_readers.py
test: .venv/dev .venv/fuzz
	$(MAKE) --jobs=4 --output-sync lint types tools compiled
	$(BIN)/coverage erase
	@$(BIN)/python -m pytest $(BESIDE) --numprocesses=4 --dist=loadfile --no-loadscope-reorder > .beside.log 2>&1 & beside=$$!; \
	$(BIN)/coverage run -m pytest $(BESIDE:%=--ignore=%) --numprocesses=4 --dist=worksteal $(ARGS); failed=$$?; \
	wait $$beside || failed=1; cat .beside.log; exit $$failed
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# All tests are compiled once, while others download: else each of the many processes that run them would do it.
compiled: .venv/dev
	@$(BIN)/python -m pytest --collect-only --quiet --quiet >.compiled.log || { cat .compiled.log; exit 1; }

# The same tests with the newest and with the lowest versions that pyproject.toml allows.
test-newest: RESOLUTION := highest
test-lowest: RESOLUTION := lowest-direct
test-newest test-lowest: test-%: .venv/dev
	rm -rf .venv-$*
	$(PYTHON) -m venv --without-pip .venv-$*
	$(BIN)/uv pip install --quiet --python .venv-$* --resolution $(RESOLUTION) \
	  --editable '.[dev]' --requirements requirements/build.txt
	PROGRAMS=none PYTHONWARNINGS=error::DeprecationWarning \
	  .venv-$*/bin/python -m pytest -m "not programs" --numprocesses=2 $(ARGS)

# Software of others on both ends: OpenStack's Keystone, the vendor's clients, and what reads our pages and web configs.
test-conformance: .venv/dev tools $(OTHER_ENVS)
	$(BIN)/python -m pytest tests/conformance --numprocesses=2 --dist=loadfile $(ARGS)

# The image built by podman and run by runc, the unit and the Debian package under a systemd that was booted for them: as root,
# on a Debian whose mirror has both; SUITE=bookworm takes another one. Where that cannot be, the last lines say why.
test-image test-systemd test-debian: test-%: .venv/dev .venv/release
	$(BIN)/python -m pytest tests/machines/test_$*.py $(ARGS)

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

# Which of the locked versions have known vulnerabilities, as PyPI tells them.
audit: .venv/audit
	$(BIN)/python -m tests.audit $(ARGS)

# What a release publishes, in dist/: wheel, source distribution, bill of materials, sums.
dist: .venv/release
	rm -rf dist
	$(BIN)/python -m deploy.release.build dist

# The Debian package, for the Python of Debian 13; DEBIAN_PYTHON=3.11 is that of Debian 12.
DEBIAN_PYTHON ?= 3.13
deb: .venv/release
	$(BIN)/python -m deploy.debian.build dist $(DEBIAN_PYTHON)

# Real programs for the tests; without them (no root, no apt) the tests that need them are skipped, but never in CI.
tools:
	@tests/install-tools

# The exact versions and hashes in requirements/: `make lock` adds and removes what pyproject.toml asks for,
# `make lock ARGS=--upgrade` takes the newest versions. dev.txt has all that tests import, so run.txt and build.txt follow
# it; those of the software of others follow nothing.
# At the end it looks whether there are wheels for all; those with glibc 2.28 are google-re2's oldest.
PYTHONS := 3.11 3.12 3.13 3.14
OLDEST := $(firstword $(PYTHONS))
LOCK := UV_CUSTOM_COMPILE_COMMAND='make lock  (CPython $(OLDEST) to $(lastword $(PYTHONS)), Linux on x86-64 and arm64)' \
  $(BIN)/uv pip compile --quiet --universal --python-version=$(OLDEST) --generate-hashes --only-binary=:all: --no-emit-index-url
BUILD_SYSTEM := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")
lock: .venv/dev
	$(LOCK) $(ARGS) --output-file requirements/dev.txt --extra dev pyproject.toml
	$(LOCK) $(ARGS) --output-file requirements/run.txt --constraint requirements/dev.txt pyproject.toml
	$(BIN)/python -c '$(BUILD_SYSTEM)' | \
	  $(LOCK) $(ARGS) --output-file requirements/build.txt --constraint requirements/dev.txt -
	for other in $(LOCKED); do \
	  $(LOCK) $(ARGS) --output-file requirements/$$other.txt --group pyproject.toml:$$other || exit 1; \
	done
	for python in $(PYTHONS); do for machine in x86_64 aarch64; do for lock in dev build $(LOCKED); do \
	  $(BIN)/uv pip install --dry-run --quiet --no-deps --require-hashes --only-binary=:all: --target=.venv/none \
	    --python-version=$$python --python-platform=$$machine-manylinux_2_28 \
	    --requirements requirements/$$lock.txt || exit 1; \
	done; done; done

# What is rendered from code or the mixin, or copied in deploy/: after a change of rules, runbooks or dashboards.
deploy: .venv/dev
	$(BIN)/python -m deploy.grafana.build
	$(BIN)/python deploy/mixin/build.py
	$(BIN)/python deploy/prometheus/build.py
	$(BIN)/python deploy/kubernetes/build.py
	$(BIN)/python deploy/helm/build.py

# What the pages in docs/ take from the code: after a change of metrics, flags, settings, reasons or codes.
docs: .venv/dev
	$(BIN)/python -m docs.build

# An hour: what grows meanwhile is told, and fails.
soak: .venv/dev
	$(BIN)/python -m tests.soak $(ARGS)

# Ten minutes: properties that hold for any input, with hypothesis and, where there are wheels of it, with atheris.
fuzz: .venv/fuzz
	nice -n 19 $(BIN)/python -m tests.fuzz $(ARGS)

bench: .venv/dev
	$(BIN)/python -m tests.benchmarks $(ARGS)

.venv/bin/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; tests/install-tools python3-venv && $(PYTHON) -m venv .venv; }

# Hashes are checked, and nothing is built but the exporter itself, with the locked build tools.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV_PIP := $(BIN)/uv pip install --quiet
.venv/run: .venv/bin/python requirements/run.txt
	$(PIP) --require-hashes --only-binary=:all: -r requirements/run.txt
	@touch $@

# uv installs in a fifth of pip's time; where only pip knows where packages are, as behind a mirror, pip does it.
.venv/dev: .venv/bin/python pyproject.toml requirements/build.txt requirements/dev.txt
	sed -n '/^uv==/,/[^\\]$$/p' requirements/dev.txt > .venv/uv.txt
	$(PIP) --require-hashes --only-binary=:all: -r .venv/uv.txt
	$(UV_PIP) --python=.venv --require-hashes --only-binary=:all: -r requirements/build.txt -r requirements/dev.txt || \
	  $(PIP) --require-hashes --only-binary=:all: -r requirements/build.txt -r requirements/dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ .venv/run

# The environments are beside their stamps, so that half of one never passes for it.
$(LOCKED:%=.venv/%): .venv/%: requirements/%.txt | .venv/dev
	$(BIN)/python -m venv --clear --without-pip .venv/others/$*
	$(UV_PIP) --python=.venv/others/$* --require-hashes --only-binary=:all: -r requirements/$*.txt || \
	  $(BIN)/python -m pip --python .venv/others/$* install --quiet --disable-pip-version-check \
	    --require-hashes --only-binary=:all: -r requirements/$*.txt
	@touch $@

clean:
	rm -rf .venv .venv-newest .venv-lowest .tools dist .beside.log .compiled.log .machines.log .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz screenshots
