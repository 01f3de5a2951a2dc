# Afresh: `make` lists what can be made.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(wildcard constraints.txt),-c constraints.txt)
WORKERS ?= 3
# Each cache passes the conformance kit.
KITS := tests/caches/test_sqlite_cache.py $(wildcard tests/caches*/test_*_kit.py)
# Each source passes its own; what is not there runs on a fake of its driver, and says so.
SOURCE_KITS := $(wildcard tests/sources/test_*_kit.py)

# Only what stands on the command line counts: a shell may export a SECONDS of its own.
ifeq ($(origin SECONDS),command line)
DEMO_OPTIONS += --seconds $(SECONDS)
endif
ifeq ($(origin ROWS),command line)
DEMO_OPTIONS += --rows $(ROWS)
endif

.DEFAULT_GOAL := help
.PHONY: help demo test caches sources check bench scale fuzz docs clean screenshots

help:
	@echo "make demo    see it work on a sample source, until Ctrl-C; make demo SECONDS=20 ends by itself"
	@echo "make test    the whole test suite, every cache included: real SQLite, PostgreSQL and DuckDB, SQL Server as a fake"
	@echo "make caches  the conformance kit on every cache, and docs/reference/caches.md made from what it showed"
	@echo "make sources the conformance kit on every source, and docs/reference/sources.md and types.md made from it"
	@echo "make check   ruff, mypy --strict, import-linter"
	@echo "make bench   time and memory, next to scripts that do the same by hand; make bench BENCH='sqlite --rows 100000'"
	@echo "make fuzz    10,000 odd requests to a real service, none of which may be an error of the server; make fuzz FUZZ='--seed 2'"
	@echo "make scale   pages, status and viewers over a log of 8,760,000 updates; make scale SCALE='sqlite --updates 100000'"
	@echo "make docs    make the reference documents again, from the code"
	@echo "make screenshots   pictures of the dashboard on the demo's data; needs chromium"
	@echo "make clean   remove what was made, the environment included"

demo: $(VENV)/.runtime
	@$(BIN)/afresh demo $(DEMO_OPTIONS)

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS)

caches: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) -p afresh.testing.kit_report --kit-report docs/reference/caches.json $(KITS)
	$(BIN)/python docs/generate.py

sources: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) -p afresh.testing.source_report --source-report docs/reference/sources.json $(SOURCE_KITS)
	$(BIN)/python docs/generate.py

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test
	$(BIN)/python -m bench.run $(BENCH)

fuzz: $(VENV)/.test
	$(BIN)/python -m bench.fuzz $(FUZZ)

scale: $(VENV)/.test
	$(BIN)/python -m bench.pages $(SCALE)
	$(BIN)/python -m bench.viewers $(SCALE)

docs: $(VENV)/.test
	$(BIN)/python docs/generate.py

screenshots: $(VENV)/.test
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.runtime: pyproject.toml $(wildcard constraints.txt) | $(BIN)/pip
	@echo "Installing Afresh into $(VENV)"
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.test: pyproject.toml $(wildcard constraints.txt) | $(BIN)/pip
	@echo "Installing Afresh and its test tools into $(VENV)"
	@$(INSTALL) -e '.[test]'
	@touch $@ $(VENV)/.runtime

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing; on Debian: apt install python3-venv" >&2; exit 2; }
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
