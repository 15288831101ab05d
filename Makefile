# The front door.  On a machine with python3, make and git alone, `make demo` and `make test` do
# all of their own set-up in .venv; nothing outside this folder is touched, except that the tests
# of the pages need a Chromium (see scripts/ensure_chromium.sh).

PYTHON ?= python3
JOBS ?= 2
PYTEST_ARGS ?=
DEMO_ARGS ?=
BENCH_ARGS ?=
SEEDS ?= 1

VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test properties check format bench bench-against docs soak lock setup clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

# --- set-up: each stamp stands for packages that are installed and up to date -------------------

$(VENV)/.setup: requirements-setup.lock scripts/make_venv.sh
	@scripts/make_venv.sh $(VENV) $(PYTHON)
	@touch $@

$(VENV)/.run: $(VENV)/.setup requirements.lock pyproject.toml scripts/install.sh
	@scripts/install.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@scripts/install.sh $(VENV) requirements-dev.lock
	@touch $@

setup: $(VENV)/.dev  ## Install what development needs into .venv

# --- for users ----------------------------------------------------------------------------------

demo: $(VENV)/.run  ## Run the demonstration
	$(BIN)/novate demo $(DEMO_ARGS)

# --- for contributors ---------------------------------------------------------------------------

check: $(VENV)/.dev  ## Lint, types, floor plan, words: under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/check_files.py
	$(BIN)/codespell $$($(BIN)/python scripts/check_files.py --list)
	$(BIN)/towncrier build --draft --version next >/dev/null

format: $(VENV)/.dev  ## Let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(VENV)/.dev  ## Run the tests (PYTEST_ARGS="-k word" for some of them)
	CHROMIUM="$$(scripts/ensure_chromium.sh)" && export CHROMIUM && \
	  $(BIN)/pytest -n $(JOBS) $(PYTEST_ARGS)

properties: $(VENV)/.dev  ## Run the property tests with a fresh seed (SEEDS=100: with a hundred)
	$(BIN)/python scripts/try_seeds.py $(SEEDS) -n $(JOBS) $(PYTEST_ARGS)

soak: $(VENV)/.dev  ## Run the tests that take hours, property tests with a hundred seeds among them
	CHROMIUM="$$(scripts/ensure_chromium.sh)" && export CHROMIUM && \
	  $(BIN)/pytest -m soak $(PYTEST_ARGS) && \
	  NOVATE_LAW_EXAMPLES=60 NOVATE_LAW_STEPS=60 $(BIN)/pytest tests/law $(PYTEST_ARGS)
	$(MAKE) properties SEEDS=100

bench: $(VENV)/.dev  ## Measure, and write build/bench.md
	@mkdir -p build
	$(BIN)/python -m tests.bench build/bench.md

bench-against: $(VENV)/.dev  ## Measure beside an earlier commit (BASE=...), and write build/bench-against.md
	@test -n "$(BASE)" || { echo "which commit? make bench-against BASE=COMMIT"; exit 2; }
	$(BIN)/python -m tests.bench.against $(BASE) build/bench-against.md $(BENCH_ARGS)

docs: $(VENV)/.dev  ## Build the pages into build/docs; a warning is an error
	@rm -rf docs/_reference
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs

# The locks name no index: they install from whichever one this machine is set up for.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
  --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE)

lock: $(VENV)/.setup  ## Resolve the dependencies again (UPGRADE=--upgrade for newer ones)
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group setup -c requirements-dev.lock -o requirements-setup.lock

clean:  ## Remove everything that make made
	rm -rf $(VENV) build dist docs/_reference .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache
	find src tests docs scripts -name __pycache__ -type d -prune -exec rm -rf {} +
