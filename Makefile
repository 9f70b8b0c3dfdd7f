# `make demo` and `make test` need Python 3.10 or newer and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# tests/end_to_end/test_datasets36.py looks for it there.
DATASETS36 := .venv-datasets36

.PHONY: demo test lint docs bench clean

demo: $(VENV)/demo.made  ## set up, load the bundled demo, leave a picture of it
	$(BIN)/dancereid demo

test: $(VENV)/test.made $(DATASETS36)/datasets36.made  ## set up, run all tests
	$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

lint: $(VENV)/lint.made  ## set up, check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/docs.made  ## set up, build the pages of docs/ into out/site; warnings are errors
	$(BIN)/python tools/build_site.py

bench: $(VENV)/test.made  ## measure: all, or BENCH_ARGS="build memory"
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed, this is " + sys.version)'
	@echo "Setting up $(VENV), once"
	@$(PYTHON) -m venv $(VENV)

# Dependency groups need a pip that is newer than the one some Pythons bring.
$(VENV)/pip.made: | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/demo.made: pyproject.toml | $(VENV)/pip.made
	@echo "Installing what dancereid needs"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/%.made: pyproject.toml | $(VENV)/pip.made
	@echo "Installing what dancereid needs, and the group '$*'"
	@$(BIN)/python -m pip install --quiet --editable . --group $*
	@touch $@

$(DATASETS36)/datasets36.made: pyproject.toml | $(BIN)/python
	@echo "Setting up $(DATASETS36), once, for the tests of the script door"
	@$(BIN)/python -m venv $(DATASETS36)
	@$(DATASETS36)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(DATASETS36)/bin/python -m pip install --quiet --editable . --group datasets36
	@touch $@

clean:
	rm -rf $(VENV) $(DATASETS36) out benchmarks/kept
