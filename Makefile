# Everything sets itself up: the first command after the clone may be any of these.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints.txt
# Where uv is found it installs, in seconds rather than minutes; else pip does. Same constraints, same result.
INSTALL = @echo "installing into $(VENV) …"; if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(BIN)/python -c $(CONSTRAINTS) $(1); \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) $(1); fi

# The tests start Python many times; without compiled modules each start would compile torch and transformers anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test soak lint format parity bench train clean

help:  ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.installed  ## run the embedded demo and print where its report is
	$(BIN)/qbench run demo

test: $(VENV)/.installed-test  ## run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

soak: $(VENV)/.installed-test  ## kill, damage, mutate and starve real runs thousands of times (hours); SOAK="--minutes 60" for less
	$(BIN)/python -m tests.faults --write $(SOAK)

lint: $(VENV)/.installed-lint  ## ruff, mypy --strict, the contracts between the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-lint  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

parity: $(VENV)/.installed $(VENV)-parity/.installed  ## compare with CLIP_benchmark, in an environment of its own
	$(BIN)/python tests/parity/compare.py $(VENV)-parity/bin/python

bench: $(VENV)/.installed-test $(VENV)-parity/.installed  ## measure speed and memory beside limits and a peer; writes docs/performance.md (20 minutes)
	cd benchmarks && ../$(BIN)/python -m performance --peer ../$(VENV)-parity/bin/python --timeline ../docs/performance-timeline.svg

train: $(VENV)/.installed  ## train the demo's models again (minutes)
	$(BIN)/python -m tools.demo.train
	$(BIN)/python -m tools.demo.train_generative

clean:  ## remove the environment and all that tools left behind
	rm -rf $(VENV) $(VENV)-parity .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "qbench needs Python 3.11 or later; name one: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml $(CONSTRAINTS)
	$(call INSTALL,-e .)
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(call INSTALL,-e '.[test]')
	@touch $@

$(VENV)/.installed-lint: $(VENV)/.installed-test
	$(call INSTALL,-e '.[lint]')
	@touch $@

$(VENV)-parity/.installed: tests/parity/requirements.txt
	$(PYTHON) -m venv $(VENV)-parity
	$(VENV)-parity/bin/python -m pip install --quiet --disable-pip-version-check -r tests/parity/requirements.txt
	@touch $@
