# make demo        sets up .venv and runs a search
# make test        sets up .venv and runs every test
# make test-fast   runs all but real training runs and whole searches
# make chromium    installs the browser that reports are tested in, on Debian and its kin, for root
# make attacks     runs every attack of the threat list, as this user and, for root, as an ordinary one
# make lint        looks for mistakes and untidy code
# make types       checks types
# make benchmarks  measures what speed is promised
# make wheel       builds the package into dist/

# The first Python on the path that runs and is new enough.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

.PHONY: demo test test-fast chromium attacks lint types wheel benchmarks clean help

help:
	@sed -n 's/^# make/make/p' Makefile

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "agentarch needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(READY): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(READY_DEV): pyproject.toml constraints.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)
	run=runs/demo-$$(date +%Y%m%d-%H%M%S) && $(BIN)/agentarch search --suite quick --seed 1 --run-dir $$run && $(BIN)/agentarch report $$run

# Two files at a time: boxes wait more than they compute, and every file has warm processes of its own. Files come in
# the order of tests/conftest.py, or else the longest, which is one test, would begin last and alone.
test: $(READY_DEV)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast: $(READY_DEV)
	$(BIN)/python -m pytest -m 'not slow'

chromium:
	@command -v chromium > /dev/null || { \
		command -v apt-get > /dev/null && [ "$$(id -u)" = 0 ] || { \
			echo "no Chromium here, and it cannot be installed without apt-get and root; its tests are skipped"; exit 1; }; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; }

attacks: $(READY_DEV)
	$(BIN)/python -m pytest tests/test_attacks.py tests/test_attacks_as_ordinary_user.py

lint: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY_DEV)
	$(BIN)/mypy

wheel: $(READY_DEV)
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist .

benchmarks: $(READY_DEV)
	for script in tests/benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
