# Everything here works on a fresh clone: what is needed is set up first, in .venv and .data.

# The first Python that really runs, is new enough and can make a virtual environment.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$python -c 'import ctypes, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))' \
		>/dev/null 2>&1 && { echo $$python; break; }; done)
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo up test lint bench clean runtime development python

help:
	@echo 'make demo    set up, run everything on made-up profiles, show where to look (ONCE=1: then stop)'
	@echo 'make up      set up, run web, workers and beat on whatever the environment configures'
	@echo 'make test    set up, run the whole test suite (ARGS="-k name" is passed on)'
	@echo 'make lint    style, types, import contracts, missing migrations'
	@echo 'make bench   measure every promise about speed'
	@echo 'make clean   remove .venv and caches; .data, with everything stored, stays'

demo: runtime
	@SCRAPECREATORS_API_KEY= SCRAPECREATORS_BASE_URL= $(RUN) manage.py demo --with-parent $(if $(filter-out 0,$(ONCE)),--once)

up: runtime
	@$(RUN) manage.py up --with-parent

test: development
	@$(RUN) -m pytest -n auto $(ARGS)

lint: development
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy .
	@$(RUN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	@$(RUN) manage.py makemigrations --check --dry-run

bench: development
	@failed=0; for file in benchmarks/[!_]*.py; do $(RUN) $$file || failed=1; done; exit $$failed

clean:
	@rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .pytest_cache staticfiles
	@find . -name __pycache__ -type d -not -path './.data/*' -prune -exec rm -rf {} +

runtime: python
	@$(PYTHON) carousel/embedded/install.py

development: python
	@$(PYTHON) carousel/embedded/install.py --dev

python:
	@test -n '$(PYTHON)' && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'carousel: Python 3.11 or newer is needed: install it, or name it with PYTHON=/path/to/python3.11' >&2; exit 1; }
