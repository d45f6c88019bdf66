# triage_lab: `make demo` and `make test` are all a fresh machine needs (Python 3.11 to 3.13 and make).
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV ?= .venv
STAMP := $(VENV)/.stamp
BIN := $(VENV)/bin
TICKETS ?= 20000
DEMO ?= triage-lab-demo

.PHONY: help demo test check bench notebooks sample clean

help: ## show what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP)-demo: pyproject.toml constraints.txt scripts/environment.sh
	@sh scripts/environment.sh "$(VENV)" "gx,analysis"
	@touch $@

$(STAMP)-dev: pyproject.toml constraints.txt scripts/environment.sh
	@sh scripts/environment.sh "$(VENV)" "dev"
	@touch $@ $(STAMP)-demo

demo: $(STAMP)-demo ## set up, make a synthetic desk, backtest a policy, print verdict and scorecard path
	@$(BIN)/triage-lab demo "$(DEMO)" --tickets $(TICKETS)
	@echo "(triage-lab is $(BIN)/triage-lab here; activate the environment with: . $(BIN)/activate)"

test: $(STAMP)-dev ## set up and run the tests
	@$(BIN)/python -m pytest -n auto --dist loadfile

check: $(STAMP)-dev ## all that CI runs: format, lint, types, import contract, tests with the slow ones
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "slow or not slow"

bench: $(STAMP)-dev ## measure speed against peers and hand-written limits, in one table
	@$(BIN)/python -m benchmarks

notebooks: $(STAMP)-dev ## run the notebooks
	@$(BIN)/python -m pytest tests/test_notebooks.py

clean: ## remove the environment and the demo lab
	@rm -rf "$(VENV)" "$(DEMO)"
