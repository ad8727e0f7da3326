# make help lists what there is.  Stamps in $(VENV) remember what is installed, so that a second run
# starts at once; a stamp is written only when its install has ended well.

PYTHON ?= python3
VENV ?= .venv
OUT ?= build/course
JOBS ?= 2
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt
MADE := $(VENV)/.made
COURSE := $(VENV)/.course
TESTS := $(VENV)/.tests
SITE := $(VENV)/.site
INPUTS := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup setup-test course test test-all lab explore notebooks site bench clean

help: ## list the targets
	@echo "eqflow_nb: a course in notebooks.  Start with 'make course' or 'make lab'."
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: $(COURSE) ## make the environment, .venv

setup-test: $(TESTS) ## the same, with what the tests need

course: $(COURSE) ## run every notebook, JOBS=2 at a time; results in build/course
	$(BIN)/eqflow-nb run --html --jobs $(JOBS) -o $(OUT) $(ARGS)

test: $(TESTS) ## format check, lint, types, tests but the slow ones (up to 15 minutes)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --benchmark-disable -m "not slow" $(ARGS)

test-all: $(TESTS) ## every test, with more made-up inputs and 50 kills of each kind (hours)
	EQFLOW_FAULTS=50 $(BIN)/python -m pytest --benchmark-disable --hypothesis-profile=fuzz $(ARGS)

lab: $(COURSE) ## open JupyterLab on the first notebook
	$(BIN)/jupyter lab notebooks/00_start_here.ipynb $(ARGS)

explore: site ## build the website and open it, every panel live (ARGS=build only builds it)
	@echo "The panels are live in build/site/index.html."
	@[ -n "$(ARGS)" ] || $(BIN)/python -m webbrowser "file://$$PWD/build/site/index.html"

notebooks: $(COURSE) ## execute the .py notebooks into the committed .ipynb (ARGS=--studies for those too)
	$(BIN)/eqflow-nb refresh $(ARGS)
	$(BIN)/python docs/make_pictures.py

site: $(SITE) ## build the course's website from the committed notebooks into build/site
	$(BIN)/python docs/site/prepare.py build/site-src
	$(BIN)/python -m sphinx -q -W --keep-going -c docs/site -d build/site-trees build/site-src build/site

bench: $(TESTS) ## run the benchmarks alone
	$(BIN)/python -m pytest --benchmark-only $(ARGS)

clean: ## remove what make made
	rm -rf build $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "make: Python 3.11 to 3.13 is needed, and '$(PYTHON)' is not that ($$($(PYTHON) --version 2>&1))." \
	       "Name another: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(COURSE): $(MADE) $(INPUTS)
	@echo "Installing into $(VENV): a few minutes, up to 2 GB."
	$(PIP) -e .
	@touch $@

$(TESTS): $(COURSE)
	$(PIP) -e '.[test]'
	@touch $@

$(SITE): $(COURSE)
	$(PIP) -e '.[site]'
	@touch $@
