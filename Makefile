# make demo   see it work: the whole readiness test against an embedded cloud on loopback
# make test   what CI does: the lab's servers, lint, types, tests with branch coverage
# make docs   the pages that are made of the probe's own explanations
# make messages  the catalogues of other languages in step with the sources; names what is not translated
# make fuzz   every parser against chance, led by coverage, a minute each; needs atheris, which is not for every platform
# make bench  the figures of benchmarks/, with their goals
# make accuracy  how often the probe is right at the lab's sites: docs/accuracy.md
# make clean  remove what the others made
# Each works from a fresh clone with nothing else done. PYTHON=... picks an interpreter, VENV=... another folder.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
CONSTRAINTS ?= -c constraints.txt
PYTEST_ARGS ?=
# Most tests wait for something: three processes, each with whole files, take less than half the time of one; the longest
# files come first (tests/conftest.py). The lab's sites come after them and alone: there, a busy machine would show in
# what is measured.
SIDE_BY_SIDE ?= --numprocesses 3 --dist loadfile --no-loadscope-reorder
BENCH_ARGS ?=
FUZZ_ARGS ?=
ACCURACY_ARGS ?=
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
PINS = pyproject.toml constraints.txt

.PHONY: help venv demo setup lint types mypy pyright test docs messages fuzz bench accuracy clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

# The first interpreter that is new enough and can make environments; says what is missing if there is none.
$(VENV)/bin/python:
	@found=; seen=; \
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    seen=$$python; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
	    found=$$python; break; \
	done; \
	if [ -z "$$seen" ]; then echo "Python 3.11 or later is needed, and was not found; name one with PYTHON=..." >&2; exit 1; fi; \
	if [ -z "$$found" ]; then echo "$$seen cannot make an environment: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; fi; \
	echo "making $(VENV) with $$found"; \
	"$$found" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: $(PINS) | $(VENV)/bin/python
	$(PIP) install $(CONSTRAINTS) --editable .
	@touch $@

$(VENV)/.dev: $(PINS) | $(VENV)/bin/python
	$(PIP) install $(CONSTRAINTS) --editable '.[dev]'
	@touch $@ $(VENV)/.run

venv: $(VENV)/.dev

demo: $(VENV)/.run
	$(VENV)/bin/rainbow-probe demo

# Debian's packages for the lab, when they are missing. Before the environment: it may have to bring python3-venv.
setup:
	bash tests/setup.sh

lint: $(VENV)/.dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .

types: mypy pyright

mypy: $(VENV)/.dev
	$(VENV)/bin/mypy

pyright: $(VENV)/.dev
	PYRIGHT_PYTHON_GLOBAL_NODE=off PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(VENV)/bin/pyright --pythonpath $(VENV)/bin/python

# What failed is tried once more when all has ended, with nothing beside it: these tests talk to real servers on machines
# that others use, too. What passes then is named in what is printed; what fails again has failed. pytest ends with 1
# where tests failed, and with more where it could not run them, which no second try makes good.
test: setup
	@$(MAKE) --no-print-directory --jobs=2 lint types
	@worst=0; \
	run() { $(VENV)/bin/python -m pytest "$$@" $(PYTEST_ARGS) || { ended=$$?; if [ $$ended -gt $$worst ]; then worst=$$ended; fi; }; }; \
	run -m "not lab" $(SIDE_BY_SIDE) --durations=30 --cov --cov-report=; \
	run -m lab --durations=15 --cov --cov-append --cov-report=term; \
	if [ $$worst -eq 1 ]; then \
	    echo "once more, alone, what failed:"; worst=0; run --last-failed --last-failed-no-failures none -v; \
	fi; \
	exit $$worst

docs: $(VENV)/.run
	$(VENV)/bin/python -m docs.pages

messages: $(VENV)/.run
	$(VENV)/bin/python -m docs.messages

fuzz: $(VENV)/.dev
	$(PIP) install $(CONSTRAINTS) --editable '.[dev,fuzz]'
	$(VENV)/bin/python -m tests.fuzz $(FUZZ_ARGS)

bench: setup
	@$(MAKE) --no-print-directory $(VENV)/.dev
	$(VENV)/bin/python -m benchmarks $(BENCH_ARGS)

accuracy: setup
	@$(MAKE) --no-print-directory $(VENV)/.dev
	$(VENV)/bin/python -m tests.lab.accuracy --write docs/accuracy.md $(ACCURACY_ARGS)

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
