# The front door. `make help` explains every target.

.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## Explain every target
	@echo "make run     runs Warta; make test   tests it. All targets:"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 14
	@echo
	@echo "Settings of make run (as in make run PORT=8080): HOST PORT WORKERS DATA_DIR SITE_URL"
	@echo "SMTP_URL DEFAULT_FROM DATABASE_URL REDIS_URL; docs/operations.md explains them all."

.PHONY: run
run: .venv/base.stamp ## Run everything on this machine: web, workers, beat, sandbox, PostgreSQL, Valkey
	@exec $(BIN)/python -m config.run

.PHONY: test
test: .venv/dev.stamp ## Run the tests against real PostgreSQL and Valkey (ARGS="-k import" to choose)
	$(BIN)/pytest -n $(or $(JOBS),2) -m "not journey and not faults and not screens" $(ARGS)

.PHONY: check
check: .venv/dev.stamp ## Check style, types, import contracts, migrations, templates, messages and wording
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/pytest -q tests/architecture

.PHONY: bench
bench: .venv/dev.stamp ## Measure; one JSON line per figure (ONLY=sending for benchmarks/sending.py alone)
	@set -e; for file in benchmarks/$(or $(ONLY),*).py; do \
	  name=$$(basename "$$file" .py); \
	  case "$$name" in _*|'*') continue;; esac; \
	  $(BIN)/python -m "benchmarks.$$name"; \
	done

.PHONY: faults
faults: .venv/dev.stamp ## Kill and restart real processes while mail goes out, and count (QUICK=1: some of it)
	$(if $(QUICK),FAULTS_PEOPLE=$${FAULTS_PEOPLE:-4000}) \
	  $(BIN)/pytest -m "faults$(if $(QUICK), and quick)" -p no:randomly tests/faults $(ARGS)

.PHONY: journeys
journeys: .venv/dev.stamp ## Drive the product in a real browser, as marketer and as subscriber
	$(BIN)/pytest -m journey -p no:randomly $(ARGS)

.PHONY: screens
screens: .venv/dev.stamp ## Write a picture of every page to var/screens
	$(BIN)/pytest -m screens -p no:randomly $(ARGS)

.PHONY: assets
assets: ## Build static/dist from frontend/ (needs Node; nobody else does)
	cd frontend && npm ci --no-audit --no-fund && npm run build

.PHONY: frontend
frontend: ## Check style, types and behaviours of frontend/ (needs Node 20 or newer)
	cd frontend && npm ci --no-audit --no-fund && npm run lint && npm test

.PHONY: messages
messages: .venv/dev.stamp ## Collect texts for translation into locale/ and compile them
	@mkdir -p var
	$(BIN)/pybabel --quiet extract --mapping-file babel.cfg --output-file var/django.pot $(TEXTS)
	$(BIN)/pybabel --quiet update --input-file var/django.pot $(CATALOGUES) --locale id --init-missing \
	  --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel compile $(CATALOGUES) --statistics

CATALOGUES := -D django -d locale
# Folders that begin with an underscore hold texts, too; by itself pybabel would pass them over.
TEXTS := --project Warta --no-location --sort-output --ignore-dirs .git \
	--keywords gettext_lazy --keywords gettext_noop --keywords ngettext_lazy:1,2 \
	--keywords pgettext_lazy:1c,2 --keywords npgettext_lazy:1c,2,3 \
	config accounts subscribers campaigns delivery reports api templates

.PHONY: lock
lock: .venv/bin/uv ## Write requirements/ anew from pyproject.toml, with hashes
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements/base.txt
	$(BIN)/uv pip compile $(LOCK) --extra dev -c requirements/base.txt pyproject.toml -o requirements/dev.txt

LOCK := --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url

.PHONY: clean
clean: ## Remove .venv and what tools left; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The environment. A stamp says which locked requirements are installed.

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Warta needs Python 3.11 or newer; name one with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "The environment could not be made: is the python3-venv package installed?" >&2; exit 1; }

.venv/base.stamp: requirements/base.txt | .venv/bin/python
	@echo "Installing packages into .venv (once; takes a minute)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r $< || \
	  { echo "The packages could not be installed; the lines above say why." >&2; exit 1; }
	@touch $@

.venv/dev.stamp: requirements/dev.txt | .venv/bin/python
	@echo "Installing packages and development tools into .venv (once; takes a minute or two)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r $< || \
	  { echo "The packages could not be installed; the lines above say why." >&2; exit 1; }
	@touch $@ .venv/base.stamp

.venv/bin/uv: .venv/bin/python
	$(BIN)/python -m pip install --quiet uv
