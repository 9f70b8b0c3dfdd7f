# `make demo` and `make test` need Python 3.10 or newer and nothing else. CONTRIBUTING.md has more.
VENV := .venv
# tests/end_to_end/test_datasets36.py looks for it there.
DATASETS36 := .venv-datasets36
SLOW := .venv-slow
# tests/export/test_tracking_readers.py looks for it there.
TRACKEVAL := .venv-trackeval
LOWEST := .venv-lowest

# Windows keeps an environment's programs in another folder, and they have an ending.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
PROGRAMS := Scripts
EXE := .exe
else
PYTHON ?= python3
PROGRAMS := bin
endif
BIN := $(VENV)/$(PROGRAMS)
ENVIRONMENTS := $(VENV) $(DATASETS36) $(SLOW) $(TRACKEVAL) $(LOWEST)

.PHONY: demo test test-slow test-lowest fuzz lint docs dist bench clean
.SECONDEXPANSION:

demo: $(VENV)/demo.made  ## set up, load the bundled demo, leave a picture of it
	$(BIN)/dancereid demo

test: $(VENV)/test.made $(DATASETS36)/datasets36.made $(TRACKEVAL)/trackeval.made  ## set up, run all tests but the slow ones
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow" $(PYTEST_ARGS)

test-slow: $(SLOW)/slow.made  ## set up, run the slow tests, PyTorch's among them
	$(SLOW)/$(PROGRAMS)/python -m pytest -m slow $(PYTEST_ARGS)

test-lowest: $(LOWEST)/lowest.made  ## set up, run all tests but the slow ones with the lowest versions allowed
	$(LOWEST)/$(PROGRAMS)/python -m pytest -n auto --dist loadfile -m "not slow" $(PYTEST_ARGS)

fuzz: $(VENV)/test.made  ## try the readers with changed files: FUZZ_ARGS="clips --seed 7 --count 9000"
	$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

lint: $(VENV)/lint.made  ## set up, check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dist: $(VENV)/dist.made  ## set up, build what an index gets, and check it
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*

docs: $(VENV)/docs.made  ## set up, build the pages of docs/ into out/site; warnings are errors
	$(BIN)/python tools/build_site.py

bench: $(VENV)/test.made  ## measure: all, or BENCH_ARGS="build memory"
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

$(ENVIRONMENTS:%=%/$(PROGRAMS)/python$(EXE)):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed, this is " + sys.version)'
	@echo "Setting up $(@:%/$(PROGRAMS)/python$(EXE)=%), once"
	@$(PYTHON) -m venv $(@:%/$(PROGRAMS)/python$(EXE)=%)

# Dependency groups need a pip that is newer than the one some Pythons bring.
$(ENVIRONMENTS:%=%/pip.made): | $$(@D)/$(PROGRAMS)/python$(EXE)
	@$(@D)/$(PROGRAMS)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/demo.made: pyproject.toml | $(VENV)/pip.made
	@echo "Installing what dancereid needs"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(TRACKEVAL)/trackeval.made: pyproject.toml | $(TRACKEVAL)/pip.made
	@echo "Installing TrackEval"
	@$(TRACKEVAL)/$(PROGRAMS)/python -m pip install --quiet --group trackeval
	@touch $@

$(LOWEST)/lowest.made: pyproject.toml tools/lowest_versions.py | $(LOWEST)/pip.made
	@echo "Installing the lowest versions of what dancereid needs, and the group 'test'"
	@$(@D)/$(PROGRAMS)/python tools/lowest_versions.py > $(@D)/lowest.txt
	@$(@D)/$(PROGRAMS)/python -m pip install --quiet --editable . --group test --constraint $(@D)/lowest.txt
	@touch $@

# A dependency group of pyproject.toml, into the environment that the file is in.
%.made: pyproject.toml | $$(@D)/pip.made
	@echo "Installing what dancereid needs, and the group '$(*F)'"
	@$(@D)/$(PROGRAMS)/python -m pip install --quiet --editable . --group $(*F)
	@touch $@

clean:
	rm -rf $(ENVIRONMENTS) out dist benchmarks/kept
