SHELL := bash
PYTHON ?= $(shell for python in python3.{13,12,11}; do $$python -c '' 2> /dev/null && echo $$python && break; done)
NOTEBOOKS ?= $(wildcard book/*.ipynb)
BIN := .venv/bin
TORCH := torch==2.13.0
OFFSETS ?= 1 2 3
NBVAL := $(BIN)/pytest --nbval --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg
BUILD_BOOK := rm -rf book/_build && $(BIN)/jupyter-book build --quiet -W -n --keep-going book

.PHONY: help book lab links test test-seeds test-portable run results bench constraints clean

help: ## list the targets (the default)
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1	\2/p' Makefile | expand -t 20

.venv/.installed: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -c constraints.txt -e '.[book,test]'
	touch $@

book: .venv/.installed ## build the book and say where its first page is
	$(BUILD_BOOK)

links: .venv/.installed ## check the links that lead out of the book
	$(BIN)/jupyter-book build --builder linkcheck book

lab: .venv/.installed ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab book

test: .venv/.installed ## check everything: style, units, notebooks, the book, its pages in a browser
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/deno lint --quiet
	$(BIN)/deno fmt --quiet --check
	$(BUILD_BOOK)
	$(NBVAL) -n auto --dist loadfile tests $(NOTEBOOKS)

test-seeds: .venv/.installed ## check the notebooks with other seeds (make test-seeds OFFSETS="7 8")
	for offset in $(OFFSETS); do PGUTILS_SEED_OFFSET=$$offset $(NBVAL) $(NOTEBOOKS) || exit; done

test-portable: .venv/.installed ## check the notebooks with a plain processor's arithmetic and one thread
	ATEN_CPU_CAPABILITY=default OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(NBVAL) $(NOTEBOOKS)

run: .venv/.installed ## execute every notebook in place (or some: make run NOTEBOOKS=book/03-reinforce.ipynb)
	$(BIN)/python scripts/execute_notebooks.py $(NOTEBOOKS)

results: .venv/.installed ## record the long experiments; what is recorded already stays (elsewhere: make results FOLDER=…)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[bench]'
	$(BIN)/python scripts/record_results.py $(FOLDER)
	$(BIN)/python scripts/record_methods.py $(FOLDER)
	$(BIN)/python scripts/record_explorables.py $(FOLDER)

bench: .venv/.installed ## measure how fast it is, and show it in the book (some: make bench SECTIONS="solve growth")
	$(BIN)/pip install --quiet -c constraints.txt -e '.[bench]'
	PYTHONPATH=scripts $(BIN)/python benchmarks/measure.py $(SECTIONS)
	$(BIN)/python scripts/execute_notebooks.py book/speed.ipynb book/clusters.ipynb

constraints: ## write constraints.txt anew: the newest versions that pyproject.toml allows
	$(PYTHON) -m venv --clear .venv-constraints
	.venv-constraints/bin/pip install --quiet $(TORCH) -e '.[book,test,bench]'
	set -o pipefail; .venv-constraints/bin/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt
	rm -rf .venv-constraints

clean: ## remove everything that the other targets have made
	rm -rf .venv .venv-constraints .hypothesis .pytest_cache .ruff_cache *.egg-info book/_build
	find . -name __pycache__ -prune -exec rm -rf {} +
